"""Which tasks of the registry the published evidence knows as a source."""

from __future__ import annotations

# Sources of the evidence, as the registry names them.
PUBLISHED_SOURCES = {
    "CCG": "ccg",
    "CSenseQA": "commonsense-qa",
    "CosmosQA": "cosmos-qa",
    "HellaSwag": "hellaswag",
    "MNLI": "mnli",
    "QA-SRL": "qa-srl",
    "QAMR": "qamr",
    "QQP": "qqp",
    "SST-2": "sst-2",
    "SciTail": "scitail",
    "SocialIQA": "social-iqa",
}
# Parts of their data that the registry has as tasks of their own.
_SMALLER_SOURCES = {"commonsense-qa-dev": "CSenseQA", "social-iqa-dev": "SocialIQA"}
# Name in the registry -> source of the evidence.
KNOWN_AS = {name: source for source, name in PUBLISHED_SOURCES.items()} | _SMALLER_SOURCES
