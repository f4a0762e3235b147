/* the days of units that no longer count, as far as the state has them */
select known.unit_key, known.day{% for name in columns %}, known.{{ name | ident }}{% endfor %}

from {{ tree(days) }} as known
join gone_units as gone on gone.unit_key = known.unit_key
where known.day <= {{ last_day | literal }}
union all
select known.unit_key, known.day{% for name in columns %}, known.{{ name | ident }}{% endfor %}

from {{ tree(totals) }} as known
join gone_units as gone on gone.unit_key = known.unit_key
where known.day = 0
{% if recent is not none %}
union all
/* and their days since */
select known.unit_key, known.day{% for name in columns %}, known.{{ name | ident }}{% endfor %}

from {{ recent | ident }} as known
join gone_units as gone on gone.unit_key = known.unit_key
where known.day > {{ closed_day | literal }}
{% endif %}
