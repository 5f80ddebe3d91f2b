"""What can be done about a model that the runtime does not load, by what the runtime says."""

import re

# The runtime's words, and the sentence for them; `{0}`, ... are the groups.
_SENTENCES = [
    (
        re.compile(r"Protobuf parsing failed"),
        "the file is no ONNX model, or only a part of one; export it again and upload all of it",
    ),
    (
        re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)"),
        "it has IR version {0}, and {1} is the newest that can be loaded; export it with an older"
        " onnx, or set its ir_version to {1}",
    ),
    (
        re.compile(
            r"Opset (\d+) is under development.*support for domain (\S+) is till opset (\d+)"
        ),
        "it has opset {0} of {1}, and {2} is the newest that can be loaded; export it with opset"
        " {2} or older",
    ),
    (
        re.compile(r"No Op registered for (\S+) with domain_version of (\d+)"),
        "there is no operator {0} in opset {1}; export it with operators of ONNX",
    ),
    (
        re.compile(r"(\S+?):(\S+?)\(-?\d+\) is not a registered function/op"),
        "operator {1} of domain {0} is not known here; export it with operators of ONNX",
    ),
    (
        re.compile(r"Could not find an implementation for (\S+?)\((\d+)\)"),
        "operator {0} can't be run as it was in opset {1}; export it with a newer opset, such as"
        " 17",
    ),
    (
        re.compile(r'External data path.*?"(?:[^"]*/)?([^"/]+)"', re.DOTALL),
        "its weights are in another file, {0}, which is not uploaded; save all in one file:"
        " onnx.save(onnx.load(path), path)",
    ),
    (
        re.compile(r"(?:Type Error|This is an invalid model)"),
        "its graph makes no sense; find the fault with onnx.checker.check_model(path,"
        " full_check=True), and export it again",
    ),
]


def sentence(words: str) -> str:
    """With the remedy; what is not known is said in the runtime's own words."""
    for pattern, text in _SENTENCES:
        if found := pattern.search(words):
            return text.format(*found.groups())
    return f"the runtime says: {words}"
