/* units of several experiments: their variants in all of them, as digits of a few numbers; 0 where a unit is not in one */
select
  unit
  {% for word in words %}
  , {{ tree(word.tree) }} as {{ word.name | ident }}
  {% endfor %}
from analysed_units
where experiment_no in ({% for number in numbers %}{{ number | literal }}{% if not loop.last %}, {% endif %}{% endfor %})
group by unit
having count(*) > 1
