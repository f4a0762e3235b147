/* seen units: one row per experiment and unit, with its first exposure */
with logged as (
  select
    experiments.experiment_no,
    variants.variant_no,
    log.unit,
    {{ tree(instant) }} as exposed_at
    {% for dimension in dimensions %}
    , coalesce(cast(log.{{ dimension.column | ident }} as varchar), '(null)') as {{ dimension.name | ident }}
    {% endfor %}
  from {{ tree(log) }} as log
  join (
    values
    {% for experiment in experiments %}
      ({{ experiment.number | literal }}, {{ experiment.name | literal }}, {{ tree(experiment.starts_at) }}, {{ tree(experiment.ends_at) }}){% if not loop.last %},{% endif %}
    {% endfor %}
  ) as experiments(experiment_no, experiment_id, starts_at, ends_at)
    on cast(log.experiment_id as varchar) = experiments.experiment_id
  join (
    values
    {% for variant in variants %}
      ({{ variant.experiment_no | literal }}, {{ variant.number | literal }}, {{ variant.name | literal }}){% if not loop.last %},{% endif %}
    {% endfor %}
  ) as variants(experiment_no, variant_no, variant)
    on variants.experiment_no = experiments.experiment_no
    and variants.variant = cast(log.variant as varchar)
  where {{ tree(is_unit) }}
    and {{ tree(in_span) }}
    and {{ tree(instant) }} >= experiments.starts_at
    and {{ tree(instant) }} < experiments.ends_at
    {% if targeting is not none %}
    and {{ tree(targeting) }}
    {% endif %}
)
select
  experiment_no,
  unit,
  min(variant_no) as variant_no,
  max(variant_no) as last_variant_no,
  min(exposed_at) as exposed_at
  {% for first in firsts %}
  , {{ tree(first.tree) }} as {{ first.name | ident }}
  {% endfor %}
from logged
group by experiment_no, unit
