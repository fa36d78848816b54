"""The table of records as a data frame: filters, and mean ± standard deviation over seeds."""

import itertools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from anime_models.record_store import Snapshot
from anime_models.record_table import FACTS, columns
from apps.dashboard.names import BACKBONES, HEADS, REPORTED, STRATEGIES, called, short_paper

# What runs have to agree in to be one configuration, which only the seed tells apart. Precision is not among it: a run
# takes the faster one of two that are equally accurate.
CONFIGURATION = tuple(fact for fact in FACTS if fact not in ("run_id", "status", "paper_table", "precision"))
REPEATED = tuple(fact for fact in FACTS if fact != "run_id")
STARTED = re.compile(r"\d{4}(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ-")
FILTERS = ("task", "study", "backbone", "head", "strategy", "start_weights", "seed", "scale", "kind", "status")
PICTURES = "dataset.num_images.train"
MOST_TAGS = 3  # in the name of a configuration
NOTHING, IN_PART = "(none)", "finished in part"


def records_frame(snapshot: Snapshot, shipped: frozenset[str] = frozenset()) -> pd.DataFrame:
    """A row for each record.

    Besides the columns of `anime_models.record_table` there are ``path``, ``shipped`` (it is a model of the package),
    ``configuration`` (a number that runs share which differ in their seeds only) and ``name`` (the configuration in
    words).
    """
    table = pd.DataFrame(columns(snapshot.rows))
    for fact in REPEATED:
        table[fact] = table[fact].astype("category")
    if "seed" not in table:
        table["seed"] = float("nan")
    table["path"] = [str(path) for path in snapshot.paths]
    table["shipped"] = table["run_id"].isin(shipped)
    alike = [*CONFIGURATION, *(name for name in (PICTURES,) if name in table)]
    table["configuration"] = table.groupby(alike, dropna=False, sort=False, observed=True).ngroup()
    firsts = table.drop_duplicates("configuration")
    names = dict(zip(firsts["configuration"], _distinct_names(firsts), strict=True))
    table["name"] = table["configuration"].map(names)
    return table


def _distinct_names(rows: pd.DataFrame) -> list[str]:
    """Configurations in words, with what tells them apart where several would be called the same."""
    rows = rows.assign(name=[configuration_name(row) for row in rows.to_dict("records")])
    names = rows["name"].to_numpy(dtype=object, copy=True)
    alike = rows.groupby(["name", "kind", "task"], observed=True).indices.values()
    for places in (places for places in alike if len(places) > 1):
        tags = _tags(rows.iloc[places])
        names[places] = [f"{name} [{tag}]" for name, tag in zip(names[places], tags, strict=True)]
    return list(names)


def _tags(rows: pd.DataFrame) -> list[str]:
    """What tells rows apart: as few of their facts as suffice, else the machine, the moment, or their settings."""
    facts = _differing(rows)
    for count in range(1, MOST_TAGS + 1):
        for chosen in itertools.combinations(facts, count):
            tags = [", ".join(parts) for parts in zip(*chosen, strict=True)]
            if len(set(tags)) == len(rows):
                return tags
    if rows["device"].notna().all() and rows["device"].is_unique:
        return [str(device) for device in rows["device"]]
    began = [_began(run_id) for run_id in rows["run_id"]]
    if None not in began and len(set(began)) == len(rows):
        return [str(moment) for moment in began]
    digests = list(rows["settings"])
    return digests if len(set(digests)) == len(rows) else list(rows["run_id"])


def _differing(rows: pd.DataFrame) -> list[list[str]]:
    """Facts in words that are not the same for all rows: data set, pictures, numbers of recipes, full ones first."""
    facts: list[pd.Series] = [rows["dataset"].astype("object").fillna("no data set")]
    if PICTURES in rows:
        facts.append(rows[PICTURES].map(lambda count: "no pictures" if pd.isna(count) else f"{count:,.0f} pictures"))
    recipes = [name for name in rows.columns if name.startswith("recipe.")]
    for name in sorted(recipes, key=lambda name: int(rows[name].isna().sum())):
        words = name.removeprefix("recipe.").replace("_", " ")
        facts.append(rows[name].map(partial(_in_words, words)))
    return [list(fact) for fact in facts if fact.nunique() > 1]


def _in_words(name: str, value: float) -> str:
    return f"{name} not recorded" if pd.isna(value) else f"{name} {value:g}"


def _began(run_id: str) -> str | None:
    """When a run began, as its id tells."""
    found = STARTED.match(run_id)
    if not found:
        return None
    month, day, hour, minute = found.groups()
    return f"{month}-{day} {hour}:{minute}"


def configuration_name(row: Mapping[str, object]) -> str:
    """A configuration in words, such as ``ViT-B/16, full``; the paper after a reported one."""
    strategy = row["strategy"]
    parts = [called(BACKBONES, row["backbone"])]
    if row["head"] == "dropout" or (row["study"] == "characters" and row["head"] == "plain"):
        parts.append(called(HEADS, row["head"]))
    if isinstance(row["augmentation"], str):
        parts.append(str(row["augmentation"]))
    elif isinstance(strategy, str) and row["study"] != "characters":
        parts.append(called(STRATEGIES, strategy))
    if row["protocol"] in ("folds", "cross-fit"):
        parts.append(str(row["protocol"]))
    if isinstance(row["scale"], str) and row["scale"] != "full":
        parts.append(f"scale {row['scale']}")
    paper = short_paper(row["paper"]) if row["kind"] == REPORTED else ""
    return ", ".join(parts) + (f" ({paper})" if paper else "")


def data_names(table: pd.DataFrame) -> pd.Series:
    """The data set of each row, with the beginning of its digest where it is there in several states."""
    names, states = (table[fact].astype("object").fillna("") for fact in ("dataset", "revision"))
    several = states.groupby(names).transform("nunique") > 1
    return names.where(~several, names + " " + states.str.split(":").str[-1].str[:7])


def options(table: pd.DataFrame, column: str) -> list[str]:
    """What there is to choose from in a column, as text; ``(none)`` where records leave it open."""
    return sorted(_as_text(table[column]).unique(), key=lambda text: (text == NOTHING, text))


def filtered(table: pd.DataFrame, chosen: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The rows that have one of the chosen values in every column that something was chosen in."""
    keep = pd.Series(True, index=table.index)
    for column, values in chosen.items():
        if values:
            keep &= _as_text(table[column]).isin(values)
    return table[keep]


def _as_text(column: pd.Series) -> pd.Series:
    if column.dtype == "float64":
        column = column.astype("Int64").astype("str")
    return column.astype("object").where(column.notna() & (column != "<NA>"), NOTHING)


def numbers(table: pd.DataFrame) -> list[str]:
    """The columns of numbers that at least one row has, without the ends of intervals."""
    present = table.select_dtypes("float64").notna().any()
    return [name for name in present.index[present] if not name.endswith((":low", ":high"))]


@dataclass(frozen=True)
class Figure:
    """A number of a row: alone, with its 95% interval, or as mean with its standard deviation over seeds."""

    value: float
    low: float = float("nan")
    high: float = float("nan")
    sd: float = float("nan")
    runs: int = 1


def over_seeds(table: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """A row for each configuration: the mean of each wanted column over its runs.

    ``column:n`` counts the runs that have it, ``column:sd`` is their sample standard deviation (of several runs),
    ``column:low`` and ``:high`` the interval (where only one run has it). ``runs`` counts all runs, ``run_ids`` lists
    them, separated by spaces, and ``status`` is `IN_PART` where only some of them are finished.
    """
    wanted = [name for name in dict.fromkeys(wanted) if name in table]
    groups = table.groupby("configuration", sort=False)
    # Facts that every run of a configuration shares; the others are those of its first run.
    result = table.drop_duplicates("configuration").set_index("configuration")
    kept = [name for name in (*FACTS, "seed", "name", "path", "shipped") if name not in wanted]
    result = result[kept].copy()
    result["runs"] = groups.size()
    result["shipped"] = groups["shipped"].any()
    finished = table["status"].eq("finished").groupby(table["configuration"], sort=False).mean()
    result["status"] = result["status"].astype("object").mask(finished.between(0, 1, inclusive="neither"), IN_PART)
    run_ids: dict[int, list[str]] = defaultdict(list)
    for configuration, run_id in zip(table["configuration"], table["run_id"], strict=True):
        run_ids[configuration].append(run_id)
    result["run_ids"] = [" ".join(run_ids[configuration]) for configuration in result.index]
    figures = groups[wanted]
    counts = figures.count()
    several_of = [figures.mean(), counts.add_suffix(":n"), figures.std(ddof=1).add_suffix(":sd")]
    ends = [f"{name}:{end}" for name in wanted for end in ("low", "high") if f"{name}:{end}" in table]
    intervals = groups[ends].first() if ends else pd.DataFrame(index=result.index)
    for end in ends:
        intervals[end] = intervals[end].where(counts[end.rpartition(":")[0]] == 1)
    return pd.concat([result, *several_of, intervals], axis=1).reset_index()


def each_run(table: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """The same columns as `over_seeds`, a row for each run."""
    wanted = [name for name in dict.fromkeys(wanted) if name in table]
    ends = [f"{name}:{end}" for name in wanted for end in ("low", "high") if f"{name}:{end}" in table]
    kept = [name for name in (*FACTS, "seed") if name not in wanted]
    result = table[[*kept, "name", "path", "shipped", "configuration", *wanted, *ends]].copy()
    result["runs"], result["run_ids"] = 1, result["run_id"]
    return result


def figure_of(row: Mapping[str, float], column: str) -> Figure:
    """A number of a row of `over_seeds` or `each_run`."""
    low, high, sd = (float(row.get(f"{column}:{end}", float("nan"))) for end in ("low", "high", "sd"))
    value, runs = float(row.get(column, float("nan"))), int(row.get(f"{column}:n", 1))
    return Figure(value, low, high, sd, runs)


def figures_of(rows: pd.DataFrame, column: str) -> list[Figure]:
    """`figure_of` of every row."""
    # Only what is asked for: as dictionaries, rows of a hundred columns are slow.
    parts = [name for name in (column, *(f"{column}:{end}" for end in ("low", "high", "sd", "n"))) if name in rows]
    return [figure_of(row, column) for row in rows[parts].to_dict("records")]
