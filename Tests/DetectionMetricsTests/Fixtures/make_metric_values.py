"""Writes metric-values.json beside it: what scikit-learn, SciPy and numpy say of some labels and scores.

    python3 -m venv metrics-venv && metrics-venv/bin/pip install scikit-learn==1.9.1 scipy==1.17.1
    metrics-venv/bin/python Tests/DetectionMetricsTests/Fixtures/make_metric_values.py
"""

import json
import pathlib
import warnings

import numpy as np
from scipy import optimize, special, stats
from sklearn import metrics

warnings.filterwarnings("ignore")
MASK = (1 << 64) - 1


class SplitMix64:
    """The generator of NeuralCore's SeededRandom."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, count):
        return (self.next() * count) >> 64


def finite(values):
    """Infinite thresholds as null."""
    return [None if not np.isfinite(v) else float(v) for v in values]


def interval(units, labels, scores, seed, resamples=400):
    source, areas, left_out = SplitMix64(seed), [], 0
    for _ in range(resamples):
        drawn = np.array([i for _ in units for i in units[source.below(len(units))]])
        if len(set(labels[drawn])) < 2:
            left_out += 1
        else:
            areas.append(metrics.roc_auc_score(labels[drawn], scores[drawn]))
    if len(areas) * 2 < resamples:
        return None
    low, high = np.percentile(areas, [2.5, 97.5])
    return {"low": low, "high": high, "resamples": len(areas), "leftOut": left_out}


def equal_error_rate(fpr, tpr):
    for i in range(1, len(fpr)):
        if fpr[i] + tpr[i] >= 1:
            before, after = fpr[i - 1] + tpr[i - 1], fpr[i] + tpr[i]
            return fpr[i - 1] + (fpr[i] - fpr[i - 1]) * (1 - before) / (after - before)


def temperature(labels, logits, balanced):
    weights = np.where(labels == 1, 0.5 / labels.sum(), 0.5 / (1 - labels).sum()) if balanced else np.full(len(labels), 1 / len(labels))

    def loss(log_temperature):
        z = logits / np.exp(log_temperature)
        return float(np.sum(weights * (np.logaddexp(0, z) - labels * z)))

    found = optimize.minimize_scalar(loss, bounds=(np.log(0.1), np.log(10)), method="bounded", options={"xatol": 1e-12})
    return {"temperature": float(np.exp(found.x)), "loss": float(found.fun), "lossBefore": loss(0.0)}


def report(text):
    def row(values):
        return {"precision": values["precision"], "recall": values["recall"], "f1": values["f1-score"], "support": int(values["support"])}

    return {
        "accuracy": text["accuracy"], "real": row(text["real"]), "fake": row(text["fake"]), "macro": row(text["macro avg"]),
        "weighted": row(text["weighted avg"]),
    }


def case(name, labels, logits, groups, seed):
    labels, logits = np.array(labels), np.array(logits, dtype=float)
    p = special.expit(logits)
    calls = (p >= 0.5).astype(int)
    result = {"name": name, "labels": [bool(l) for l in labels], "logits": logits.tolist(), "groups": groups, "seed": seed}
    matrix = metrics.confusion_matrix(labels, calls, labels=[0, 1])
    result["confusion"] = matrix.ravel().tolist()
    result["report"] = report(metrics.classification_report(
        labels, calls, labels=[0, 1], target_names=["real", "fake"], output_dict=True, zero_division=0))
    result["report"]["accuracy"] = metrics.accuracy_score(labels, calls)
    result["balancedAccuracy"] = metrics.balanced_accuracy_score(labels, calls)
    result["brier"] = float(np.mean((p - labels) ** 2))
    result["logLoss"] = metrics.log_loss(labels, p, labels=[0, 1])
    # The members of calibration_curve's bins (uniform strategy).
    places = np.searchsorted(np.linspace(0, 1, 11)[1:-1], p)
    result["binCounts"] = np.bincount(places, minlength=10).tolist()
    result["ece"] = float(sum(abs(p[places == b].sum() - labels[places == b].sum()) for b in range(10)) / len(p))
    result["pearson"] = float(stats.pearsonr(labels, logits)[0]) if len(set(labels)) > 1 and len(set(logits)) > 1 else None
    result["spearman"] = float(stats.spearmanr(labels, logits)[0]) if result["pearson"] is not None else None
    if len(set(labels)) > 1:
        fpr, tpr, thresholds = metrics.roc_curve(labels, logits, drop_intermediate=False)
        precision, recall, cuts = metrics.precision_recall_curve(labels, logits)
        assert abs(metrics.brier_score_loss(labels, p) - result["brier"]) < 1e-12
        result["roc"] = {
            "fpr": fpr.tolist(), "tpr": tpr.tolist(), "thresholds": finite(thresholds), "auc": metrics.roc_auc_score(labels, logits),
            "eer": equal_error_rate(fpr, tpr), "tpr01": float(tpr[fpr <= 0.01].max()), "tpr05": float(tpr[fpr <= 0.05].max()),
        }
        result["pr"] = {
            "precision": precision[::-1].tolist(), "recall": recall[::-1].tolist(), "thresholds": [None] + cuts[::-1].tolist(),
            "ap": metrics.average_precision_score(labels, logits),
        }
        curve = metrics.precision_recall_curve(labels, logits)
        assert len(curve[0]) == len(result["pr"]["precision"])
        result["temperature"] = temperature(labels, logits, False)
        result["balancedTemperature"] = temperature(labels, logits, True)
        units = [[i for i, g in enumerate(groups) if g == group] for group in sorted(set(groups))]
        result["overItems"] = interval([[i] for i in range(len(labels))], labels, logits, seed)
        result["overGroups"] = interval(units, labels, logits, seed) if len(units) > 1 else None
    return result


def main():
    random = np.random.default_rng(8)
    cases = []

    def drawn(name, reals, fakes, distance, groups, digits=None, scale=1.0):
        labels = np.array([0] * reals + [1] * fakes)
        logits = scale * (random.normal(size=reals + fakes) + distance * (labels - 0.5))
        if digits is not None:
            logits = np.round(logits, digits)
        names = [f"g{int(g)}" for g in random.integers(0, groups, size=len(labels))]
        order = random.permutation(len(labels))
        cases.append(case(name, labels[order], logits[order], [names[i] for i in order], len(cases) + 1))

    drawn("balanced", 50, 50, 1.5, 12)
    drawn("ties", 40, 40, 1.0, 9, digits=0)
    drawn("imbalanced", 140, 12, 1.2, 20)
    drawn("six reals, thirty fakes", 6, 30, 1.6, 3)
    drawn("one positive", 24, 1, 0.5, 5)
    drawn("one group", 10, 10, 1.0, 1)
    drawn("overconfident", 60, 60, 1.0, 10, scale=6.0)
    drawn("worse than chance", 30, 30, -1.5, 6)
    cases.append(case("all one score", [0, 1, 0, 1, 1], [0.25] * 5, ["a", "a", "b", "b", "b"], 20))
    cases.append(case("separable", [0, 0, 0, 1, 1, 1], [-3, -2, -1, 1, 2, 3], list("aabbcc"), 21))
    cases.append(case("two of them", [0, 1], [0.5, -0.5], ["a", "b"], 22))
    cases.append(case("reals alone", [0, 0, 0], [-1, 0.5, 2], ["a", "b", "c"], 23))
    cases.append(case("nothing called fake", [0, 1, 1, 0], [-4, -3, -2, -1], ["a", "b", "a", "b"], 24))
    cases.append(case("on the edges of bins", [0, 1, 0, 1, 1, 0, 1], special.logit([0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.9]), list("aabbccd"), 25))
    wilson = []
    for hits, count in [(0, 6), (6, 6), (3, 6), (27, 30), (1, 140), (500, 1000)]:
        found = stats.binomtest(hits, count).proportion_ci(method="wilson")
        wilson.append({"hits": hits, "count": count, "low": found.low, "high": found.high})
    first, second = np.round(random.normal(size=49), 1), np.round(random.normal(size=49), 1)
    second = second + first
    pairs = {
        "first": first.tolist(), "second": second.tolist(), "pearson": float(stats.pearsonr(first, second)[0]),
        "spearman": float(stats.spearmanr(first, second)[0]),
    }
    values = sorted(random.normal(size=23).tolist())
    percentiles = {"values": values, "percents": [0, 2.5, 33, 50, 97.5, 100]}
    percentiles["results"] = np.percentile(values, percentiles["percents"]).tolist()
    target = pathlib.Path(__file__).parent / "metric-values.json"
    target.write_text(json.dumps({"cases": cases, "wilson": wilson, "pairs": pairs, "percentiles": percentiles}, indent=0) + "\n")
    print(target, target.stat().st_size, "bytes")


main()
