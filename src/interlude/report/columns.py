"""Which columns of a table a reader needs, and how they show. All columns are in its CSV."""

from __future__ import annotations

from dataclasses import dataclass

# Kinds of text; any other form is one of numbers, as `format` takes it.
TEXT = "text"
TASK = "task"
SOURCE = "source"

ONE = ".1f"
SIGNED = "+z.1f"  # z: no -0.0
TWO = ".2f"
P = ".3f"
WHOLE = ",.0f"
SHARE = ".0%"
PLAIN = ".4g"


@dataclass(frozen=True)
class Column:
    """A column of the page.

    names: the columns of the table behind it; two numbers are an interval, several texts a list.
    head: what stands above it. form: TEXT, TASK or SOURCE (ids, which show as titles), else how
    numbers are written.
    """

    names: tuple[str, ...]
    head: str
    form: str = TEXT

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers or intervals."""
        return self.form not in (TEXT, TASK, SOURCE)


def _column(name: str, head: str, form: str = TEXT) -> Column:
    return Column((name,), head, form)


def _between(low: str, high: str, head: str = "Interval", form: str = SIGNED) -> Column:
    return Column((low, high), head, form)


_ARM = _column("arm", "Arm")
_ROLE = _column("role", "Role")
_SOURCE = _column("source", "Source", SOURCE)
_TASK = _column("task", "Task", TASK)
_N = _column("n", "Runs", WHOLE)
_TASKS = _column("tasks", "Tasks", WHOLE)
_TRIALS = _column("trials", "Trials", WHOLE)
_DELTA = _column("delta", "Difference", SIGNED)
_P_HOLM = _column("p_holm", "p (Holm)", P)
_CI = _between("ci_low", "ci_high")
_CI_TWO = _between("ci_low", "ci_high", form=TWO)
_CI_SHARE = _between("ci_low", "ci_high", form=SHARE)
_CI_SCORE = _between("ci_low", "ci_high", form=ONE)
_SPEARMAN = _column("spearman", "Spearman", TWO)
_PAIR = (_column("task_a", "Task", TASK), _column("task_b", "With task", TASK))
_TRUTH = _column("truth", "Truth")
_METHOD = _column("method", "Method")
_TARGET = _column("target", "Target", TASK)
_MEASURE = Column(("metric", "definition", "k"), "Measure")

# What shows in every table that has it, and more than one of it.
COMPARED = Column(("arm", "against"), "Compared")
# Columns of the sweep's table that are no settings.
OF_A_SWEEP = ("role", "task", "point", "metric", "score", "status", "degenerate_reason", "chosen")

COLUMNS: dict[str, tuple[Column, ...]] = {
    "transfer": (
        *(_SOURCE, _TASK, _ROLE, _N),
        _column("n_degenerate", "Degenerate", WHOLE),
        *(_DELTA, _CI, _P_HOLM),
    ),
    "averages": (
        *(_SOURCE, _ROLE, _TASKS),
        _column("delta", "Mean", SIGNED),
        _between("fixed_low", "fixed_high", "Of these tasks"),
        _between("random_low", "random_high", "Of tasks like these"),
        _column("improved", "Improved", WHOLE),
        _column("harmed", "Harmed", WHOLE),
    ),
    "pooled": (
        *(_SOURCE, _ROLE, _TASKS),
        _column("mu", "Mean effect", SIGNED),
        _CI,
        _column("tau", "Spread between tasks", ONE),
        _between("new_low", "new_high", "On a new task"),
        _column("p_new", "It gains", TWO),
    ),
    "pooled_cells": (
        *(_SOURCE, _TASK, _ROLE),
        _column("delta", "Measured", SIGNED),
        _column("pooled", "Estimate", SIGNED),
        _CI,
        _column("p_gain", "It gains", TWO),
    ),
    "averages_by_filter": (
        *(_SOURCE, _ROLE),
        _column("degenerate_share", "Degenerate", SHARE),
        _column("delta_all_outcomes", "All outcomes", SIGNED),
        _column("rank_all_outcomes", "Rank", PLAIN),
        _column("delta_given_success", "Given success", SIGNED),
        _column("rank_given_success", "Rank given success", PLAIN),
        _column("disagreement", "They disagree in"),
    ),
    "conclusions": (
        *(_SOURCE, _TASK, _ROLE),
        _column("delta_filtered", "Without degenerate runs", SIGNED),
        _column("n_filtered", "Runs", WHOLE),
        _column("delta_unfiltered", "With them", SIGNED),
        _column("n_unfiltered", "Runs with them", WHOLE),
        _column("change", "What changes"),
    ),
    "mix_or_chain_answers": (
        *(_TASK, _ROLE),
        _column("answer", "Answer"),
        _column("with", "With", TASK),
        _column("sentence", "In words"),
    ),
    "mix_or_chain": (
        *(_SOURCE, _TASK, _ROLE),
        _column("delta", "Mixing minus chaining", SIGNED),
        _P_HOLM,
        _column("better", "Better"),
        _column("rule", "Rule of sizes"),
        _column("best_delta", "Better one minus task alone", SIGNED),
    ),
    "size_rule": (
        _ROLE,
        _column("test", "Significant by"),
        _column("cells", "Cells"),
        _column("threshold", "Least ratio", PLAIN),
        _column("decided", "Decided", WHOLE),
        _column("accuracy", "Right", SHARE),
        _CI_SHARE,
        _column("always_mix", "Always mixing", SHARE),
    ),
    "size_regression": (
        _ROLE,
        _column("cells", "Cells"),
        _column("n", "Number", WHOLE),
        _column("slope", "Slope", TWO),
        _CI_TWO,
        _column("r", "r", TWO),
        _column("p", "p", P),
    ),
    "methods": (
        *(_SOURCE, _TASK, _ROLE),
        _column("delta", "Transfer by the first", SIGNED),
        _column("against_delta", "By the second", SIGNED),
        _column("difference", "Difference", SIGNED),
        _between("difference_low", "difference_high"),
    ),
    "method_ranking": (
        *(_ROLE, _TASKS, _column("sources", "Sources", WHOLE)),
        _column("spearman", "Over all cells", TWO),
        _CI_TWO,
        _column("within_tasks", "Within tasks", TWO),
        _between("within_low", "within_high", "Interval within tasks", TWO),
        _column("more_positive", "More positive transfers", SHARE),
    ),
    "selection": (
        *(_TRUTH, _METHOD, _MEASURE),
        _column("value", "Value, %", TWO),
        _CI_TWO,
        _column("targets", "Targets", WHOLE),
    ),
    "selection_groups": (
        *(_TRUTH, _METHOD, _column("group", "Group"), _MEASURE),
        _column("value", "Value, %", TWO),
        _column("targets", "Targets", WHOLE),
    ),
    "selection_pairs": (
        *(_TRUTH, _METHOD, _column("against", "Against"), _MEASURE),
        _column("difference", "Difference, %", "+z.2f"),
        _between("ci_low", "ci_high", form="+z.2f"),
        _P_HOLM,
    ),
    "selection_costs": (
        _METHOD,
        _column("tokens", "Tokens", WHOLE),
        _column("seconds", "Seconds", WHOLE),
        _column("tokens_share", "Of the grid's tokens", SHARE),
        _column("seconds_share", "Of its seconds", SHARE),
        _column("regret", "Regret@3, %", TWO),
        _CI_TWO,
        _column("needs", "It needs"),
    ),
    "selection_choices": (
        *(_TRUTH, _METHOD, _TARGET),
        _column("source", "It chooses", SOURCE),
        _column("score", "Score", ONE),
        _column("rank", "Rank", PLAIN),
        _column("candidates", "Candidates", WHOLE),
        _column("best", "Best", SOURCE),
    ),
    "selection_targets": (
        *(_TRUTH, _METHOD, _TARGET, _column("form", "Form"), _MEASURE),
        _column("value", "Value, %", TWO),
    ),
    "selection_scores": (
        *(_TRUTH, _METHOD, _TARGET, _SOURCE),
        _column("value", "What it says", PLAIN),
        _column("score", "Score", ONE),
        _column("delta", "Transfer", SIGNED),
    ),
    "arm_means": (
        _ROLE,
        _column("choice", "Arm"),
        _TASK,
        _column("mean", "Mean score", ONE),
        _column("cells", "Cells", WHOLE),
    ),
    "arm_costs": (
        _ARM,
        _column("scores", "Scores", WHOLE),
        _column("trainings", "Trainings", WHOLE),
        _column("shared", "Of these shared", WHOLE),
        _column("tokens", "Tokens", WHOLE),
        _column("total_seconds", "Seconds", WHOLE),
        _column("tokens_per_second", "Tokens a second", WHOLE),
        _column("trained_parameters", "Trained parameters", WHOLE),
    ),
    "forgetting": (
        *(_ARM, _ROLE, _SOURCE),
        _column("masked_accuracy", "Masked accuracy", ONE),
        _column("sd", "Sd", TWO),
        _N,
        _column("change", "Change", SIGNED),
        _column("delta", "Average transfer", SIGNED),
    ),
    "stability": (
        *(_ARM, _SOURCE, _TASK, _ROLE),
        _column("maximum", "Best", ONE),
        _column("mean", "Mean", ONE),
        _column("sd", "Sd", ONE),
        _column("failed_share", "Failed", SHARE),
    ),
    "expected_best": (
        *(_ARM, _SOURCE, _TASK, _ROLE, _TRIALS),
        _column("expected_best", "Expected best", ONE),
        _CI_SCORE,
    ),
    "setting_effects": (
        *(_ARM, _SOURCE, _TASK),
        _column("setting", "Setting"),
        _column("value", "Value", PLAIN),
        _column("effect", "Effect", SIGNED),
        _column("share", "Of the spread", SHARE),
        _P_HOLM,
    ),
    "score_iqm": (
        *(_ARM, _SOURCE, _ROLE, _TASKS, _TRIALS),
        _column("mean", "Mean", ONE),
        _column("iqm", "Middle half", ONE),
        _CI_SCORE,
    ),
    "improvement": (
        *(_ARM, _SOURCE, _column("against", "Against arm")),
        _column("against_source", "Against source", SOURCE),
        *(_ROLE, _TASKS),
        _column("probability", "Probability that it is better", TWO),
        _CI_TWO,
    ),
    "equality": (
        *(_ARM, _TASK, _ROLE, _SOURCE),
        _column("against_source", "Against source", SOURCE),
        _column("difference", "Difference", SIGNED),
        _CI,
        _column("equal", "Equal"),
    ),
    "tasks": (
        *(_TASK, _ROLE, _column("metric", "Metric")),
        _column("train_examples", "Training examples", WHOLE),
        _column("train_truncated", "Truncated, %", ONE),
        _column("majority", "Majority", ONE),
        _column("baseline", "Baseline", ONE),
        _column("note", "Note"),
    ),
    "degenerate": (
        *(_ARM, _SOURCE, _TASK, _ROLE),
        _column("reason", "Reason"),
        _column("n_degenerate", "Degenerate", WHOLE),
        _column("n_runs", "Of runs", WHOLE),
    ),
    "excluded": (
        *(_ARM, _SOURCE, _TASK, _ROLE),
        _column("restart", "Restart", WHOLE),
        _column("score", "Score", P),
        _column("excluded", "Left out as"),
        _column("reason", "Reason"),
    ),
    "restarts": (
        *(_TASK, _ROLE, _column("level", "Test")),
        _column("sd", "Sd", ONE),
        _column("found_3", "3 restarts find", ONE),
        _column("found_5", "5 find", ONE),
        _column("found_10", "10 find", ONE),
        _column("needed_2", "Restarts for 2 points", WHOLE),
    ),
    "costs": (
        _column("step", "Step"),
        _column("trainings", "Trainings", WHOLE),
        _column("measured", "Of these measured", WHOLE),
        _column("tokens", "Tokens", WHOLE),
        _column("total_seconds", "Seconds", WHOLE),
        _column("device_hours", "Device hours", TWO),
        _column("energy_joules", "Joules", WHOLE),
        _column("tokens_per_second", "Tokens a second", WHOLE),
    ),
    "sweep": (
        *(_TASK, _ROLE),
        _column("score", "Score", ONE),
        _column("degenerate_reason", "Degenerate"),
        _column("chosen", "Chosen"),
    ),
    "sources": (
        *(_SOURCE, _column("form", "Form")),
        _column("train_examples", "Training examples", WHOLE),
        _column("delta", "Mean transfer", SIGNED),
    ),
    "size_correlations": (
        _column("group", "Sources"),
        _column("n", "Number", WHOLE),
        *(_SPEARMAN, _column("p", "p", P)),
        _column("pearson_log", "Pearson of log size", TWO),
    ),
    "size_curves": (
        *(_SOURCE, _ROLE),
        _column("train_examples", "Training examples", WHOLE),
        *(_N, _column("mean", "Mean score", ONE), _DELTA, _CI, _column("p", "p", P)),
    ),
    "target_sizes": (
        *(_SOURCE, _TASK, _ROLE),
        _column("train_examples", "Training examples", WHOLE),
        *(_column("baseline", "Baseline", ONE), _DELTA, _CI, _column("p", "p", P)),
    ),
    "correlations": (
        *(*_PAIR, _column("role_b", "Its role")),
        _column("n_means", "Sources", WHOLE),
        _column("spearman_means", "Over sources", TWO),
        _column("p_holm_means", "p (Holm)", P),
        _column("n", "Encoders", WHOLE),
        _column("spearman", "Over encoders", TWO),
    ),
    "correlations_all": (
        *(*_PAIR, _column("role_a", "Role"), _column("role_b", "Its role")),
        _column("n", "Encoders", WHOLE),
        *(_SPEARMAN, _column("pearson", "Pearson", TWO)),
    ),
    "correlation_intervals": (
        *(*_PAIR, _column("role_b", "Its role"), _SPEARMAN, _CI_TWO),
        _between("left_out_low", "left_out_high", "Without one source", TWO),
    ),
    "robustness": (
        _column("look", "Encoders included"),
        _column("encoders", "Encoders", WHOLE),
        _column("sources", "Sources", WHOLE),
        _column("significant_means", "Significant pairs", WHOLE),
        _column("target_target_means", "Target and target", WHOLE),
        _column("target_probing_means", "Target and probing", WHOLE),
        _column("significant", "By the paper's rule", WHOLE),
    ),
    "comparison": (
        *(_SOURCE, _TASK, _ROLE, _column("cell", "Scores in")),
        _column("delta_own", "This study", SIGNED),
        _column("delta_other", "The other", SIGNED),
        _column("difference", "Difference", SIGNED),
        _column("same_sign", "Same sign"),
    ),
    "comparison_summary": (
        *(_ROLE, _column("cells", "Cells", WHOLE)),
        _column("same_sign", "Same sign", SHARE),
        _column("significant", "Significant in both", WHOLE),
        _column("same_sign_significant", "Same sign of these", SHARE),
        _column("mean_difference", "Mean difference", SIGNED),
        _column("mean_absolute_difference", "Mean size of it", ONE),
        _SPEARMAN,
    ),
    "artefacts": (
        *(_TASK, _column("rule", "Rule")),
        _column("accuracy", "Accuracy", P),
        _column("standard_error", "Standard error", P),
        _column("chance", "Chance", P),
    ),
}
