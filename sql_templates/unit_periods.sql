/* spans of time for a query that runs as written: one before the exposure (day 0), then one {% if is_daily %}up to each day{% else %}for the window (day 1){% endif %} */
with selected_units as (
  select *
  from exposed_units
  {% if units is not none %}
  where {{ tree(units) }}
  {% endif %}
)
, spans as (
  select
    unit_key,
    unit,
    1 as day,
    exposed_at,
    exposed_day,
    {{ tree(starts) }} as starts,
    {{ tree(ends) }} as ends
  from selected_units
  {% if is_daily %}
  where false
  union all
  select
    units.unit_key,
    units.unit,
    days.day,
    units.exposed_at,
    units.exposed_day,
    {{ tree(starts) }} as starts,
    least({{ tree(ends) }}, days.ends) as ends
  from selected_units as units
  join (
    values
    {% for day in days %}
      ({{ day.number | literal }}, {{ tree(day.date) }}, {{ tree(day.ends) }}){% if not loop.last %},{% endif %}

    {% endfor %}
  ) as days(day, date, ends) on days.date >= units.exposed_day
  {% endif %}
  {% if before is not none %}
  union all
  select unit_key, unit, 0 as day, exposed_at, exposed_day, {{ tree(before.starts) }} as starts, {{ tree(before.ends) }} as ends
  from selected_units
  {% endif %}
)
select
  row_number() over () as period,
  unit_key,
  unit,
  day,
  starts,
  ends
from spans
