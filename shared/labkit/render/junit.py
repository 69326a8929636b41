"""A report as JUnit XML, the format that CI systems read."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from labkit.records import Report, Result
from labkit.text import clean

_LIMIT = 8000


def junit_xml(reports: Sequence[Report]) -> str:
    """One test suite for each report. `todo` counts as a failure of type `todo`; text is cut at 8,000 characters."""
    root = ElementTree.Element("testsuites")
    for report in reports:
        root.append(_suite(report))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


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
    ElementTree.SubElement(properties, "property", name="track", value=_text(report.track))
    for note in report.notes:
        ElementTree.SubElement(properties, "property", name="note", value=_text(note))
    suite.extend(_case(result) for result in report.results)
    return suite


def _case(result: Result) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", classname=f"exercise {result.exercise}", name=_text(result.check), time=f"{result.seconds:.3f}"
    )
    message = _text(result.message)
    first = message.partition("\n")[0]
    if result.outcome in {"failed", "todo"}:
        ElementTree.SubElement(case, "failure", type=result.outcome, message=first).text = message
    elif result.outcome == "error":
        ElementTree.SubElement(case, "error", type="error", message=first).text = message
    elif result.outcome == "skipped":
        ElementTree.SubElement(case, "skipped", message=first)
    if result.output:
        ElementTree.SubElement(case, "system-out").text = _text(result.output)
    return case


def _text(text: str) -> str:
    # What `clean` leaves is what XML 1.0 allows.
    return clean(text, _LIMIT)
