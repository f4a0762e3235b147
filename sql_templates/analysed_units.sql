/* analysed units: units of one variant, timed by their exposure{% if trigger is not none %} and then by their trigger{% endif %} */
with first_seen as (
  select
    experiment_no,
    unit,
    variant_no,
    exposed_at
    {% for dimension in dimensions %}
    , {{ tree(dimension.first) }} as {{ dimension.name | ident }}
    {% endfor %}
  from seen_units
  where variant_no = last_variant_no
  {% if numbers is not none %}
    and experiment_no in ({% for number in numbers %}{{ number | literal }}{% if not loop.last %}, {% endif %}{% endfor %})
  {% endif %}
)
{% if trigger is not none %}
, met as (
  /* the first trigger moment at or after the exposure; experiments without a trigger keep their exposure */
  select
    first_seen.experiment_no,
    first_seen.unit,
    first_seen.variant_no,
    {% for dimension in dimensions %}
    first_seen.{{ dimension.name | ident }},
    {% endfor %}
    min({{ tree(trigger.instant) }}) as exposed_at
  from first_seen
  join {{ tree(trigger.log) }} as log
    on log.unit = first_seen.unit
    and {{ tree(trigger.instant) }} >= first_seen.exposed_at
    and {{ tree(trigger.in_span) }}
  group by first_seen.experiment_no, first_seen.unit, first_seen.variant_no{% for dimension in dimensions %}, first_seen.{{ dimension.name | ident }}{% endfor %}
)
{% endif %}
{% if others is not none %}
, others as (
  /* exposed units that never met the trigger keep their exposure: an effect on ratios is diluted by what they add up to */
  select
    {{ tree(others.number) }} as experiment_no,
    first_seen.unit,
    first_seen.variant_no,
    first_seen.exposed_at{% for dimension in dimensions %}, first_seen.{{ dimension.name | ident }}{% endfor %}

  from first_seen
  left join met on met.experiment_no = first_seen.experiment_no and met.unit = first_seen.unit
  where met.unit is null
    and first_seen.experiment_no in ({% for number in others.numbers %}{{ number | literal }}{% if not loop.last %}, {% endif %}{% endfor %})
)
{% endif %}
, timed as (
  select experiment_no, unit, variant_no, exposed_at{% for dimension in dimensions %}, {{ dimension.name | ident }}{% endfor %}

  from {% if trigger is not none %}met{% else %}first_seen{% endif %}

  {% if others is not none %}
  union all
  select experiment_no, unit, variant_no, exposed_at{% for dimension in dimensions %}, {{ dimension.name | ident }}{% endfor %}

  from others
  {% endif %}
)
select
  *,
  {{ tree(exposed_day) }} as exposed_day
  {% for closing in closings %}
  , {{ tree(closing.day) }} as {{ closing.name | ident }}
  {% endfor %}
from timed
