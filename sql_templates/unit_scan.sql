/* one scan of the facts for all its metrics: aggregates per unit before and after its exposure */
select
  exposed.unit_key
  {% for column in columns %}
  , {{ tree(column.aggregate) }} as {{ column.name | ident }}
  {% endfor %}
from {{ tree(facts) }} as facts
{% if is_whole %}
right join exposed_units as exposed
  on facts.unit = exposed.unit
  and {{ tree(in_reach) }}
{% else %}
join exposed_units as exposed on facts.unit = exposed.unit
where {{ tree(in_reach) }}
{% endif %}
group by exposed.unit_key{% if by_unit %}, exposed.unit{% endif %}

