/* logged assignments: one row per experiment, unit, variant and whatever says who logged it */
select
  experiments.experiment_no,
  cast(log.unit as varchar) as unit,
  cast(log.variant as varchar) as variant,
  {% for label in labels %}
  {% if label.is_logged %}
  coalesce(cast(log.{{ label.name | ident }} as varchar), '') as {{ label.name | ident }},
  {% else %}
  '' as {{ label.name | ident }},
  {% endif %}
  {% endfor %}
  min({{ tree(is_targeted) }}) as is_targeted,
  {% if has_ruleset %}
  coalesce(min(cast(log.ruleset_version as varchar)), '') as ruleset_version,
  {% else %}
  '' as ruleset_version,
  {% endif %}
  count(*) as n,
  min({{ tree(instant) }}) as first_at
from {{ tree(log) }} as log
join (
  values
  {% for experiment in experiments %}
    ({{ experiment.number | literal }}, {{ experiment.name | literal }}, {{ tree(experiment.starts_at) }}, {{ tree(experiment.ends_at) }}){% if not loop.last %},{% endif %}

  {% endfor %}
) as experiments(experiment_no, experiment_id, starts_at, ends_at)
  on cast(log.experiment_id as varchar) = experiments.experiment_id
where {{ tree(in_span) }}
  and {{ tree(instant) }} >= experiments.starts_at
  and {{ tree(instant) }} < experiments.ends_at
group by
  experiments.experiment_no,
  cast(log.unit as varchar),
  cast(log.variant as varchar)
  {% for label in labels %}
  {% if label.is_logged %}
  , coalesce(cast(log.{{ label.name | ident }} as varchar), '')
  {% endif %}
  {% endfor %}
