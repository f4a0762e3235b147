"""A small project with programmes, on disk."""

from pathlib import Path

FILES = {
    "steelyard.yml": """\
name: shop
units: {user: user_id}
exposures:
  app: {unit: user, sql: select * from exposures, timestamp: exposed_at}
programmes:
  main: {unit: user, buckets: 1000}
  layer: {unit: user, buckets: 1000, exclusive: tags}
""",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "metrics/orders.sql": """\
{{ config(version=1, direction='increase') }}
select user_id, count(*) as orders from orders where day between :start_date and :end_date group by user_id
""",
    "surfaces/checkout.yml": """\
name: checkout
owners: [payments]
properties: {bar: boolean, button: boolean}
""",
}
EXPERIMENT = """\
name: {name}
surface: checkout
programme: {programme}
start: 2024-04-01
end: 2024-04-20
status: {status}
variants:
  - {{name: control}}
  - {{name: treatment, config: {{{sets}: true}}}}
metrics: orders
"""


def write_shop(root: Path) -> Path:
    """Write the project, with the experiments ``bar`` and ``button`` in one programme and ``free`` in none."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    add_experiment(root, "bar", sets="bar")
    add_experiment(root, "button", sets="bar")
    add_experiment(root, "tagged", programme="layer", sets="button", more="tags: pay\n", status="draft")
    return root


def add_experiment(
    root: Path,
    name: str,
    *,
    programme: str | None = "main",
    sets: str = "bar",
    status: str = "running",
    more: str = "",
) -> None:
    """Write one more experiment."""
    text = EXPERIMENT.format(name=name, programme=programme, status=status, sets=sets)
    if programme is None:
        text = text.replace("programme: None\n", "")
    path = root / "experiments" / f"{name}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + more, encoding="utf-8")


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Change one file."""
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
