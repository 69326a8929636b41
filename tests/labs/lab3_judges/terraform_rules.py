"""Judges 3.7: what stands in the Terraform files, without AWS."""

from __future__ import annotations

import re

from lab3_judges.infra import Infra, as_template, inner, only, texts
from labkit.checking.located import Located
from labkit.checks import expect, fail

_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|::")
_NAMES = re.compile(r"\b(?:var|local|data|module|aws_\w+)\.\w+")
_OTHERWISE = re.compile(r"\?|\bnull\b")
_LIMIT = re.compile(r"""\$\{\s*(?:tostring\(|format\("[^"]*",)?\s*var\.monthly_budget_usd\s*\)?\s*\}""")
_EXPIRES = re.compile(r"tag_?[sS]tatus\W*[=:]\W*any\b|tag_?[pP]attern_?[lL]ist[^\w\]]*\*[^\w\]]*\]")
_ENFORCES = re.compile(r"""enableNetworkPolicy\W*[=:]\W*true\b""")
VERSIONS = ("1.35", "1.36", "1.37")
NODE_POLICIES = {
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2ContainerRegistryPullOnly",
}
PUSH = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
}
# What AWS's own policy for readers, `AmazonEC2ContainerRegistryReadOnly`, has.
LOOK = {
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetLifecyclePolicy",
    "ecr:GetLifecyclePolicyPreview",
    "ecr:GetRepositoryPolicy",
    "ecr:DescribeImages",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeRepositories",
    "ecr:ListImages",
    "ecr:ListTagsForResource",
}
READ = {"s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion"}
DECRYPT = "kms:Decrypt"  # objects that are encrypted with a key of one's own are read with it
TAGS = ("project", "owner", "managed-by")
ISSUER = "token.actions.githubusercontent.com"
_OF_PROVIDER = re.compile(
    r"""\$\{\s*(?:replace\(\s*aws_iam_openid_connect_provider\.\w+\.url\s*,\s*"https://"\s*,\s*""\s*\)"""
    r"""|trimprefix\(\s*aws_iam_openid_connect_provider\.\w+\.url\s*,\s*"https://"\s*\))\s*\}"""
)


def judge_references(infra: Infra) -> None:
    """Each name leads somewhere."""
    known = infra.names()
    for name, place in infra.references():
        expect.that(
            name in known,
            expected=f"`{name}` is declared in one of the files",
            found="it is not",
            help="`terraform validate` says the same, where Terraform is installed.",
            where=place,
        )


def judge_state(infra: Infra) -> None:
    """The state lies in S3, encrypted and locked, and nobody has a key."""
    for kind in ("aws_iam_access_key", "aws_iam_user", "aws_key_pair"):
        for one in infra.resources(kind):
            fail(
                expected="roles only",
                found=f"a resource `{kind}`",
                help="A key is a secret that is copied, and works for ever. Its secret half also lies in the state.",
                where=one,
            )
    blocks = infra.blocks("terraform")
    backends = [one for block in blocks for one in block.blocks("backend", "s3")]
    if len(backends) != 1:
        others = [one.path for block in blocks for one in block.blocks("backend")]
        fail(
            expected='`backend "s3"`',
            found=", ".join(others) or "no backend: the state would be a file beside the code",
            help="The state has every value in clear, passwords too. A file in the tree is committed one day, and two "
            "people have two of them.",
            where=blocks[0] if blocks else None,
        )
    key = backends[0].get("key")
    expect.that(
        key is not None and key.value,
        expected="`key` in the backend: the name of the state in its bucket",
        found="it is not there",
        help="`state.tfbackend` says bucket and region, and no more.",
        where=backends[0],
    )
    only(backends[0], "encrypt", True, "The state has every value in clear.")
    lock = backends[0].get("use_lockfile")
    expect.that(
        (lock is not None and lock.value is True) or backends[0].get("dynamodb_table"),
        expected="`use_lockfile = true`",
        found=lock if lock is not None else "no lock",
        help="Without a lock, two that apply at once overwrite each other's state.",
        where=lock or backends[0],
    )
    for secret in ("access_key", "secret_key", "token"):
        found = backends[0].get(secret)
        expect.that(not found, expected=f"no `{secret}` in the code", found="there is one", where=found)


def judge_tags(infra: Infra) -> None:
    """Each resource says whose it is."""
    providers = infra.blocks("provider", "aws")
    if not providers:
        fail(expected='`provider "aws"`', found="none")
    help = "`default_tags` gives them to each resource. Without tags nobody knows whose bill it is."
    tags = infra.resolved(inner(providers[0], "default_tags", help)["tags"])
    if tags.is_expression:  # such as `merge(local.tags, { … })`
        text = _behind(infra, str(tags.value))
        missing = [name for name in TAGS if not re.search(rf"""\b{name}["']?\s*[=:]""", text)]
        expect.that(
            not missing,
            expected=f"the tags {', '.join(TAGS)}",
            found=f"no {', '.join(missing)} in {text[:200]}",
            help=help,
            where=tags,
        )
        return
    for name in TAGS:
        found = tags.get(name)
        expect.that(
            found is not None and found.value not in ("", None),
            expected=f"the tag `{name}`",
            found=f"only {', '.join(f'`{key}`' for key, _ in tags.items()) or 'none'}",
            help=help,
            where=tags,
        )


def judge_variables(infra: Infra) -> None:
    """Each variable has a type and says what it is."""
    variables = {name: block for file in infra.files for name, block in _variables(file)}
    for name in ("api_cidrs", "monthly_budget_usd"):
        expect.that(name in variables, expected=f'`variable "{name}"`', found=f"{', '.join(variables)}")
    for name, block in variables.items():
        kind, words = block.get("type"), block.get("description")
        expect.that(
            kind is not None and words is not None and len(str(words.value).split()) >= 2,
            expected=f"`{name}` has a `type`, and a `description` of two words or more",
            found="no type" if kind is None else "no description" if words is None else words,
            help="Whoever calls this has nothing else. Without a type, `true` may be a text.",
            where=block,
        )
    for name, wanted in (
        ("api_cidrs", ("${list(string)}", "${set(string)}")),
        ("monthly_budget_usd", ("${number}",)),
    ):
        kind = variables[name]["type"]
        text = str(kind.value).replace(" ", "")
        text = text if text.startswith("${") else f"${{{text}}}"
        expect.that(text in wanted, expected=f"`{name}` is of type `{wanted[0][2:-1]}`", found=kind, where=kind)
    default = variables["api_cidrs"].get("default")
    expect.that(
        default is None,
        expected="`api_cidrs` has no default",
        found=default if default is not None else "",
        help="Whoever applies this must say from where the API is reached. A default is what nobody looks at.",
        where=default,
    )


def _variables(file: Located) -> list[tuple[str, Located]]:
    return [(name, below[0]) for one in file.get("variable") or [] for name, below in _unlisted(one)]


def _unlisted(one: Located) -> list[tuple[str, list[Located]]]:
    return [(name, [below]) for name, below in one.items()]


def judge_version(infra: Infra) -> None:
    """The cluster has a version for which the manifests are checked."""
    cluster = infra.one("aws_eks_cluster", "The cluster itself.")
    version = cluster.get("version")
    expect.that(
        version is not None and str(infra.resolved(version).value) in VERSIONS,
        expected=f"`version` is {', '.join(VERSIONS[:-1])} or {VERSIONS[-1]}",
        found=version if version is not None else "none: it is the newest one on the day of the first `apply`",
        help="For these versions the manifests are checked. And an old one costs six times as much: after 14 months "
        "standard support on EKS ends, and extended support begins.",
        where=version or cluster,
    )


def judge_endpoint(infra: Infra) -> None:
    """The API of the cluster is not open to the world."""
    cluster = infra.one("aws_eks_cluster", "The cluster itself.")
    network = inner(cluster, "vpc_config", "It says in which subnets the cluster stands, and who reaches its API.")
    only(network, "endpoint_private_access", True, "The nodes reach the API without a way through the internet.")
    public = network.get("endpoint_public_access")
    if public is not None and public.value is False:
        return
    found = network.get("public_access_cidrs")
    text = str(infra.resolved(found).value) if found is not None else ""
    expect.that(
        set(_NAMES.findall(text)) == {"var.api_cidrs"} and not _ADDRESS.search(text) and not _OTHERWISE.search(text),
        expected="`public_access_cidrs = var.api_cidrs`, or no public endpoint",
        found=found if found is not None else "no limit: the default is 0.0.0.0/0, the whole world",
        help="A login stands before it. So it did before every CVE of the last years.",
        where=found or network,
    )


def judge_nodes(infra: Infra) -> None:
    """The nodes stand in private subnets, two or more, and their rights outlive them."""
    group = infra.one("aws_eks_node_group", "The machines.")
    subnets = group["subnet_ids"]
    text = str(infra.resolved(subnets).value)
    expect.that(
        "aws_subnet.private" in text and "aws_subnet.public" not in text,
        expected="the nodes stand in `aws_subnet.private`",
        found=subnets,
        help="In a public subnet a node has an address that the world can reach.",
        where=subnets,
    )
    scaling = inner(group, "scaling_config", "How many nodes there are.")
    least = infra.resolved(scaling["min_size"])
    expect.that(
        least.is_expression or least.of(int) >= 2,  # such as `length(local.zones)`
        expected="2 nodes or more",
        found=scaling["min_size"],
        help="With one node, each update of the node is an outage.",
        where=scaling["min_size"],
    )
    wanted_now = scaling.get("desired_size")
    number = None if wanted_now is None else infra.resolved(wanted_now).value
    expect.that(
        not isinstance(number, int) or number >= 2,
        expected="2 nodes or more, also at the beginning",
        found=wanted_now,
        where=wanted_now,
    )
    _leads(infra, group, "node_role_arn", "aws_iam_role.node", "the role of the nodes")
    _no_key(group)
    after = group.get("depends_on")
    kind = "aws_iam_role_policy_attachment"
    named = set(re.findall(rf"{kind}\.\w+", str(after.value if after is not None else "")))
    wanted = {
        f"{kind}.{name}"
        for name in (full.removeprefix(f"{kind}.") for full in infra.names() if full.startswith(f"{kind}."))
        if "aws_iam_role.node" in str(infra.blocks("resource", kind, name)[0]["role"].value)
    }
    expect.that(
        named and wanted <= named,
        expected="`depends_on` names the attachments of the node role's policies",
        found=", ".join(sorted(named)) or "it does not",
        help="Nothing else says that the rights are needed: Terraform then removes them first, the nodes cannot leave, "
        "and `destroy` hangs.",
        where=after or group,
    )


def _no_key(group: Located) -> None:
    for access in group.blocks("remote_access"):
        key = access.get("ec2_ssh_key")
        expect.that(
            key is None,
            expected="no key to the nodes",
            found=key,
            help="A key is a secret that is copied, and works for ever.",
            where=key,
        )


def _leads(infra: Infra, block: Located, name: str, wanted: str, what: str) -> None:
    """Expect that an argument names a resource of this configuration, or has the same value as its `name`."""
    found = block.get(name)
    text = str(infra.resolved(found).value) if found is not None else ""
    kind, _, label = wanted.partition(".")
    names = [one.get("name") for one in infra.blocks("resource", kind, label)] if label else []
    same = found is not None and any(one is not None and one.value == found.value for one in names)
    expect.that(
        same or re.search(rf"\b{re.escape(wanted)}\b", text),
        expected=f"`{name}` leads to {what}, `{wanted}`",
        found=found if found is not None else "it is not there",
        help="Terraform takes any text here. What is set for another one protects nothing, or is nowhere.",
        where=found or block,
    )


def judge_node_rights(infra: Infra) -> None:
    """The node role has what a node needs."""
    found: dict[str, Located] = {}
    for one in infra.resources("aws_iam_role_policy_attachment"):
        if "aws_iam_role.node" not in str(one["role"].value):
            continue
        each = one.get("for_each")
        text = _behind(infra, str(infra.resolved(one["policy_arn"]).value))
        text += str(infra.resolved(each).value) if each is not None else ""
        found |= {name: one for name in _policy_names(text)}
    for kind, one in _further(infra, "node", ("aws_iam_role_policy_attachment",)):
        fail(
            expected="no further policy of the node role",
            found=f"`{kind}`",
            help="What a node may do, each pod on it may do. Pods have a role of their own: Pod Identity.",
            where=one,
        )
    extra = sorted(set(found) - NODE_POLICIES)
    expect.that(
        not extra,
        expected="the node role joins the cluster, gives addresses and pulls images, and nothing else",
        found=f"it also has {', '.join(extra)}",
        help="What a node may do, each pod on it may do. Pods have a role of their own: Pod Identity.",
        where=found[extra[0]] if extra else None,
    )
    for wanted in ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistry"):
        expect.that(
            any(name.startswith(wanted) for name in found),
            expected=f"the node role has {wanted}{'ReadOnly' if wanted.endswith('Registry') else ''}",
            found=", ".join(found) or "none",
            help="Without it the node does not join, gives no addresses, or pulls no image.",
        )


def _policy_names(text: str) -> list[str]:
    """The policies of AWS by their names, and those of this configuration."""
    without_comments = re.sub(r"(?m)(?:#|//).*$|/\*[\s\S]*?\*/", "", text)
    return re.findall(r"\b[A-Z]\w{7,}|(?<!data\.)\baws_iam_policy\.\w+", without_comments)


_GRANTS = (
    "aws_iam_role_policy",
    "aws_iam_role_policies_exclusive",
    "aws_iam_role_policy_attachment",
    "aws_iam_role_policy_attachments_exclusive",
    "aws_iam_policy_attachment",
)


def _further(infra: Infra, role: str, known: tuple[str, ...]) -> list[tuple[str, Located]]:
    """What else gives a role rights: resources of other kinds than the known ones, and arguments of the role itself."""
    own = re.compile(rf"\baws_iam_role\.{role}\b")
    found = [
        (kind, one)
        for kind in _GRANTS
        if kind not in known
        for one in infra.resources(kind)
        if any(own.search(str(one[name].value)) for name in ("role", "role_name", "roles") if one.get(name) is not None)
    ]
    return found + [
        (name, one)
        for one in infra.blocks("resource", "aws_iam_role", role)
        for name in ("managed_policy_arns", "inline_policy")
        if one.get(name) is not None
    ]


def _cluster(infra: Infra) -> str:
    """The name of the cluster's resource."""
    return next((name for name in sorted(infra.names()) if name.startswith("aws_eks_cluster.")), "aws_eks_cluster.main")


def judge_enforced(infra: Infra) -> None:
    """The network of the pods enforces policies."""
    told = [(values, block) for name, block, values in infra.addons() if name == "vpc-cni"]
    expect.that(
        any(values is not None and _is_enforced(str(values)) for values, _ in told),
        expected="the add-on `vpc-cni` has `enableNetworkPolicy` in its `configuration_values`",
        found="no such add-on" if not told else f"{told[0][0] or 'no `configuration_values`'}",
        help="EKS takes a network policy, shows it, and enforces nothing, until its network is told to. It is a field"
        " of its own, and no variable of `env`.",
        where=told[0][1] if told else None,
    )
    for addon in infra.resources("aws_eks_addon"):
        _leads(infra, addon, "cluster_name", _cluster(infra), "the cluster")


def _is_enforced(text: str) -> bool:
    """Whether the field is set, and not somewhere within another one."""
    match = _ENFORCES.search(text)
    ahead = text[: match.start()].removeprefix("${") if match else ""
    return match is not None and ahead.count("{") - ahead.count("}") <= 1


def judge_registry(infra: Infra) -> None:
    """A tag means one image; images are scanned; `destroy` removes them."""
    repository = infra.one("aws_ecr_repository", "Where images lie.")
    only(
        repository, "image_tag_mutability", "IMMUTABLE",
        "With MUTABLE the same tag is another image tomorrow, and going back to it goes nowhere.",
    )  # fmt: skip
    only(repository, "force_delete", True, "A repository with images is not deleted: `destroy` would leave it behind.")
    _can_be_destroyed(repository)
    # The registry may say it for all its repositories.
    of_registry = [
        rule
        for one in infra.resources("aws_ecr_registry_scanning_configuration")
        for rule in one.blocks("rule")
        if rule["scan_frequency"].value in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")
    ]
    if not of_registry:
        scanning = inner(repository, "image_scanning_configuration", "Images are scanned for known holes.")
        only(scanning, "scan_on_push", True, "Images are scanned for known holes.")
    rules = infra.one("aws_ecr_lifecycle_policy", "Without it, images are kept, and paid, for ever.")
    _leads(infra, rules, "repository", "aws_ecr_repository.ml_api", "the registry")
    policy = rules["policy"]
    expect.that(
        _EXPIRES.search(infra.document(policy, "aws_ecr_lifecycle_policy_document")),
        expected='a rule for images with any tag: `tagStatus` is `any`, or `tagPatternList` is `["*"]`',
        found="none",
        help="A tag that never changes never leaves its image: here no image ever becomes `untagged`. And a list of "
        "prefixes leaves all others for ever.",
        where=policy,
    )


def _can_be_destroyed(block: Located) -> None:
    for one in block.blocks("lifecycle"):
        kept = one.get("prevent_destroy")
        expect.that(
            kept is None or kept.value is False,
            expected="no `prevent_destroy`: `destroy` removes it, whatever is in it",
            found=f"`prevent_destroy = {str(kept.value).lower() if kept is not None else ''}`",
            help="`terraform destroy` then stops, and all else that stands here stays, too, and costs.",
            where=kept,
        )


def judge_bucket(infra: Infra) -> None:
    """The models are encrypted, private, versioned, and gone after `destroy`."""
    bucket = infra.one("aws_s3_bucket", "Where models lie.")
    only(bucket, "force_destroy", True, "A bucket with objects is not deleted: `destroy` would leave it behind.")
    _can_be_destroyed(bucket)
    private = infra.one("aws_s3_bucket_public_access_block", "Four switches against one careless policy.")
    for name in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"):
        only(private, name, True, "Each of the four closes another way to make a bucket public.")
    secret = infra.one("aws_s3_bucket_server_side_encryption_configuration", "The models are encrypted.")
    rule = inner(inner(secret, "rule", "How."), "apply_server_side_encryption_by_default", "How.")
    algorithm = rule["sse_algorithm"]
    expect.that(
        algorithm.value in ("aws:kms", "AES256", "aws:kms:dsse"),
        expected="`aws:kms` or `AES256`", found=algorithm, where=algorithm,
    )  # fmt: skip
    versions = infra.one("aws_s3_bucket_versioning", "A model that was overwritten can be had again.")
    only(inner(versions, "versioning_configuration", "Whether."), "status", "Enabled", "Overwritten is not lost.")
    for one in (private, secret, versions):
        _leads(infra, one, "bucket", "aws_s3_bucket.models", "the bucket of models")


def judge_github(infra: Infra) -> None:
    """Only the main branch of one repository becomes `ci`."""
    trust = infra.policy("ci_trust")
    (statement, *more) = trust.blocks("statement") or [None]
    if statement is None or more:
        fail(expected="one `statement` in `ci_trust`", found=f"{len(trust.blocks('statement'))}", where=trust)
    actions = infra.texts(statement.get("actions"))
    expect.that(
        actions == ["sts:AssumeRoleWithWebIdentity"],
        expected="the action `sts:AssumeRoleWithWebIdentity`", found=", ".join(actions) or "none", where=statement,
    )  # fmt: skip
    _is_allowed(statement)
    who = inner(statement, "principals", "GitHub's provider.")
    expect.that(
        who["type"].value == "Federated"
        and len(texts(who["identifiers"])) == 1
        and "openid_connect_provider" in str(who["identifiers"].value),
        expected="the principal is GitHub's OIDC provider, and no other", found=who["identifiers"], where=who,
    )  # fmt: skip
    # The issuer may be written out, or taken from the provider.
    conditions = {
        _OF_PROVIDER.sub(ISSUER, _behind(infra, str(one["variable"].value))): one
        for one in statement.blocks("condition")
    }
    for name, wanted, help in (
        ("aud", "sts.amazonaws.com", "A token that was made for another service must not do."),
        (
            "sub", "repo:${var.github_repository}:ref:refs/heads/main",
            "GitHub's provider signs for every repository of the world, and for every branch of yours.",
        ),
    ):  # fmt: skip
        condition = conditions.get(f"{ISSUER}:{name}")
        if condition is None:
            fail(
                expected=f"a condition on `{ISSUER}:{name}`",
                found=", ".join(conditions) or "no condition: every repository of the world gets this role",
                help=help,
                where=statement,
            )
        values = _values(infra, condition["values"])
        test = str(condition["test"].value)
        expect.that(
            [_behind(infra, as_template(one)) for one in values] == [wanted] and test in ("StringEquals", "StringLike"),
            expected=f"`{ISSUER}:{name}` equals `{wanted}`",
            found=f"{test} {', '.join(values)}",
            help=help,
            where=condition,
        )


def _values(infra: Infra, value: Located) -> list[str]:
    """The texts of a list, or a single one; those that stand elsewhere as they are there."""
    found = infra.argument(value)
    return [str(infra.argument(one).value) for one in found] if isinstance(found.value, list) else texts(found)


def _is_allowed(statement: Located) -> None:
    effect = statement.get("effect")
    allows = effect is None or effect.value == "Allow"
    expect.that(allows, expected="a statement that allows", found=effect, where=effect)


def judge_rights(infra: Infra) -> None:
    """No policy says `*`, and each role has what it needs."""
    for block in infra.blocks("data", "aws_iam_policy_document"):
        for statement in block.blocks("statement"):
            actions, resources = infra.texts(statement.get("actions")), texts(statement.get("resources"))
            wide = [action for action in actions if "*" in action]
            expect.that(
                not wide and not statement.get("not_actions"),
                expected="each action by its name",
                found=", ".join(wide) or "`not_actions`",
                help="`*` also means what AWS adds next year.",
                where=statement.get("actions") or statement,
            )
            expect.that(
                not statement.get("not_resources"),
                expected="each resource by its ARN",
                found="`not_resources`",
                help="It means everything else, also what comes next year.",
                where=statement.get("not_resources"),
            )
            expect.that(
                "*" not in resources or actions == ["ecr:GetAuthorizationToken"],
                expected="each resource by its ARN; only `ecr:GetAuthorizationToken` knows none",
                found=f"`*` for {', '.join(actions)}",
                help="A role that may push to every repository may replace every image of the company.",
                where=statement.get("resources") or statement,
            )
    _may(infra, "ci", PUSH, "aws_ecr_repository.", "push an image to the repository")
    _may(infra, "ci", {"ecr:GetAuthorizationToken"}, "*", "log in to the registry")
    _may(infra, "ml_api", {"s3:ListBucket"}, "aws_s3_bucket.", "list the bucket: its ARN, without `/*`", objects=False)
    _may(infra, "ml_api", {"s3:GetObject"}, "/*", "read the objects: their ARN ends in `/*`")
    for name, may, expected, why in (
        (
            "ci",
            PUSH | LOOK,
            "`ci` pushes images and looks at them",
            "Who may delete an image, takes away what others go back to.",
        ),
        ("ml_api", READ | {DECRYPT}, "the service reads models", "A service that serves models need not write them."),
    ):
        more = sorted(_actions(infra, name) - may)
        expect.that(
            not more,
            expected=f"{expected}, and does nothing else",
            found=", ".join(more),
            help=why,
            where=infra.policy(name),
        )
    _only_there(infra, "ci", "aws_ecr_repository.ml_api", {"ecr:GetAuthorizationToken"})
    _only_there(infra, "ml_api", "aws_s3_bucket.models", set())
    for name in ("ci", "ml_api"):
        _no_further_rights(infra, name)


def _only_there(infra: Infra, name: str, wanted: str, anywhere: set[str]) -> None:
    """What a role may do, it may do with one resource."""
    for statement in infra.policy(name).blocks("statement"):
        actions = set(infra.texts(statement.get("actions")))
        if actions <= anywhere:
            continue
        place = "aws_kms_key." if actions == {DECRYPT} else wanted
        for text in texts(statement.get("resources")):
            expect.that(
                place in _behind(infra, text),
                expected=f"`{name}` has rights for `{wanted}` alone",
                found=f"also for `{text}`",
                help="Each resource of the list is one more that somebody with this role gets at.",
                where=statement["resources"],
            )


def _behind(infra: Infra, text: str) -> str:
    """A text with the local values that it names."""
    for place in infra.blocks("locals"):
        for name, value in place.items():
            behind = str(value.value)
            if not value.is_expression or "${" in behind:  # a text needs no `${ }` any more
                text = re.sub(rf"\$\{{\s*local\.{name}\s*\}}", lambda _, behind=behind: behind, text)
            text = re.sub(rf"\blocal\.{name}\b", lambda _, behind=behind: behind, text)
    return text


def _no_further_rights(infra: Infra, name: str) -> None:
    """A role has the policy document of its name, and nothing beside it."""
    wrong = _further(infra, name, ("aws_iam_role_policy",))
    for one in infra.resources("aws_iam_role_policy"):
        own = re.search(rf"\baws_iam_role\.{name}\b", str(one["role"].value))
        if own and f"data.aws_iam_policy_document.{name}.json" not in str(one["policy"].value):
            wrong.append(("aws_iam_role_policy", one))
    for kind, one in wrong:
        fail(
            expected=f"the role `{name}` has the policy document `{name}`, and no rights beside it",
            found=f"a further `{kind}`",
            help="Rights add up. Whoever reads the document believes that this is all.",
            where=one,
        )


def _actions(infra: Infra, name: str) -> set[str]:
    return {
        one for statement in infra.policy(name).blocks("statement") for one in infra.texts(statement.get("actions"))
    }


def _may(infra: Infra, name: str, actions: set[str], resource: str, what: str, *, objects: bool | None = None) -> None:
    allowed: set[str] = set()
    for statement in infra.policy(name).blocks("statement"):
        _is_allowed(statement)
        found = [_behind(infra, text) for text in texts(statement.get("resources"))]
        if any(resource in text and (objects is None or ("/*" in text) is objects) for text in found):
            allowed |= set(infra.texts(statement.get("actions")))
    missing = sorted(actions - allowed)
    expect.that(
        not missing,
        expected=f"`{name}` may {what}",
        found=f"it lacks {', '.join(missing)} for such a resource",
        where=infra.policy(name),
    )


def judge_pods(infra: Infra) -> None:
    """The service's pods get their role by Pod Identity."""
    trust = infra.policy("ml_api_trust")
    statements = trust.blocks("statement")
    actions = _actions(infra, "ml_api_trust")
    who = [text for one in statements for block in one.blocks("principals") for text in texts(block["identifiers"])]
    expect.that(
        set(who) == {"pods.eks.amazonaws.com"} and actions == {"sts:AssumeRole", "sts:TagSession"},
        expected="`pods.eks.amazonaws.com` may `sts:AssumeRole` and `sts:TagSession`",
        found=f"{', '.join(sorted(set(who))) or 'nobody'} may {', '.join(sorted(actions)) or 'nothing'}",
        help="Pod Identity tags the session with namespace and service account. Without TagSession no pod gets in.",
        where=trust,
    )
    for statement in statements:
        _is_allowed(statement)
    link = infra.one("aws_eks_pod_identity_association", "It says which pods get the role.")
    _leads(infra, link, "cluster_name", _cluster(infra), "the cluster")
    only(link, "namespace", "ml-api", "The pods of the service run there.", infra)
    only(link, "service_account", "ml-api", "The pods of the service have this account.", infra)
    expect.that(
        "aws_iam_role.ml_api" in str(link["role_arn"].value),
        expected="the role `aws_iam_role.ml_api`", found=link["role_arn"], where=link["role_arn"],
    )  # fmt: skip
    addons = [name for name, _, _ in infra.addons()]
    expect.that(
        "eks-pod-identity-agent" in addons,
        expected="the add-on `eks-pod-identity-agent`",
        found=", ".join(addons) or "no add-on",
        help="Without its agent on each node, a pod asks for its role, and nobody answers.",
    )


def judge_budget(infra: Infra) -> None:
    """An alarm goes off before the bill comes."""
    budget = infra.one("aws_budgets_budget", "A cluster that was forgotten costs as much as one that is used.")
    for name, wanted in (("budget_type", "COST"), ("limit_unit", "USD"), ("time_unit", "MONTHLY")):
        only(budget, name, wanted, "The cost of a month in US dollars.")
    limit = budget["limit_amount"]
    expect.that(
        any(_LIMIT.fullmatch(str(one.value)) for one in (limit, infra.resolved(limit))),
        expected="`limit_amount` is `var.monthly_budget_usd`", found=limit, where=limit,
    )  # fmt: skip
    for one in budget.blocks("cost_filter"):
        expect.that(
            one["name"].value in ("TagKeyValue", "LinkedAccount"),
            expected="a budget of the whole cost, or of what has a tag",
            found=f"only of a `{one['name'].value}`",
            help="Nobody hears of the cost of all else.",
            where=one,
        )
    notes = list(infra.repeated(budget, "notification"))
    expect.that(
        notes,
        expected="a `notification` in the budget",
        found="none",
        help="A budget stops nothing. Without a notification it is a chart that nobody opens.",
        where=budget,
    )
    heard = False
    for note, turn in notes:
        told = texts(note.get("subscriber_email_addresses")) + texts(note.get("subscriber_sns_topic_arns"))
        expect.that(told, expected="someone who is told", found="nobody", where=note)
        kind, share, compared = (
            infra.in_turn(note[name], "notification", turn)
            for name in ("threshold_type", "threshold", "comparison_operator")
        )
        try:
            threshold = float(share)
        except (TypeError, ValueError):
            fail(expected="`threshold` is a number", found=f"{share}", where=note["threshold"])
        heard = heard or (kind == "PERCENTAGE" and compared == "GREATER_THAN" and threshold <= 100)
    expect.that(
        heard,
        expected="a notification when the cost is `GREATER_THAN` 100 percent, or less than that",
        found="none",
        help="At 100 percent the money is gone. It is the last moment at which an alarm is one.",
        where=notes[0][0],
    )
