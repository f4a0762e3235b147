/* exposures that cannot be analysed: without a unit, of a variant that the experiment does not declare, or outside its dates */
select
  experiments.experiment_no,
  {{ tree(place) }} as place,
  {{ tree(is_unit) }} as has_unit,
  case when variants.variant_no is null then cast(log.variant as varchar) end as unknown_variant,
  count(*) as n,
  max({{ tree(instant) }}) as last_exposed_at
from {{ tree(log) }} as log
join (
  values
  {% for experiment in experiments %}
    ({{ experiment.number | literal }}, {{ experiment.name | literal }}, {{ tree(experiment.starts_at) }}, {{ tree(experiment.ends_at) }}){% if not loop.last %},{% endif %}

  {% endfor %}
) as experiments(experiment_no, experiment_id, starts_at, ends_at)
  on cast(log.experiment_id as varchar) = experiments.experiment_id
left join (
  values
  {% for variant in variants %}
    ({{ variant.experiment_no | literal }}, {{ variant.number | literal }}, {{ variant.name | literal }}){% if not loop.last %},{% endif %}

  {% endfor %}
) as variants(experiment_no, variant_no, variant)
  on variants.experiment_no = experiments.experiment_no
  and variants.variant = cast(log.variant as varchar)
where {{ tree(since) }}
  and (
    {{ tree(instant) }} < experiments.starts_at
    or {{ tree(instant) }} >= experiments.ends_at
    or not {{ tree(is_unit_here) }}
    or variants.variant_no is null
  )
group by
  experiments.experiment_no,
  {{ tree(place) }},
  {{ tree(is_unit) }},
  case when variants.variant_no is null then cast(log.variant as varchar) end
