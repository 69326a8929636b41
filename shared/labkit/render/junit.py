"""A report as JUnit XML, the format that CI systems read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from labkit.records import Report, Result
from labkit.text import for_xml


def junit_xml(reports: Sequence[Report]) -> str:
    """One test suite for each report. `todo` counts as a failure of type `todo`; text is cut at 8,000 characters."""
    root = ElementTree.Element("testsuites")
    for report in reports:
        root.append(_suite(report))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + _inert(ElementTree.tostring(root, encoding="unicode")) + "\n"


def _inert(xml: str) -> str:
    """The same document, in which GitHub's runner finds no command where it goes to the standard output."""
    return re.sub(r"(?m)^(\s*):(?=:)", r"\1&#58;", xml).replace("##[", "#&#35;[")


def _suite(report: Report) -> ElementTree.Element:
    counts = report.counts()
    suite = ElementTree.Element(
        "testsuite",
        name=f"lab {report.lab}",
        tests=str(len(report.results)),
        failures=str(counts["failed"] + counts["todo"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
        time=f"{report.seconds:.3f}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    ElementTree.SubElement(properties, "property", name="track", value=for_xml(report.track))
    for note in report.notes:
        ElementTree.SubElement(properties, "property", name="note", value=for_xml(note))
    suite.extend(_case(result) for result in report.results)
    return suite


def _case(result: Result) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", classname=f"exercise {result.exercise}", name=for_xml(result.check), time=f"{result.seconds:.3f}"
    )
    message = for_xml(result.message)
    first = message.partition("\n")[0]
    if result.outcome in {"failed", "todo"}:
        ElementTree.SubElement(case, "failure", type=result.outcome, message=first).text = message
    elif result.outcome == "error":
        ElementTree.SubElement(case, "error", type="error", message=first).text = message
    elif result.outcome == "skipped":
        ElementTree.SubElement(case, "skipped", message=first)
    if result.output:
        ElementTree.SubElement(case, "system-out").text = for_xml(result.output)
    return case
