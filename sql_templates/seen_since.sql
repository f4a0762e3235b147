/* units seen since the last closed day, with what was known of them by then */
select
  experiment_no,
  unit,
  min(variant_no) as variant_no,
  max(last_variant_no) as last_variant_no,
  min(exposed_at) as exposed_at
  {% for first in merged %}
  , {{ tree(first.tree) }} as {{ first.name | ident }}
  {% endfor %}
from (
  select experiment_no, unit, variant_no, last_variant_no, exposed_at{% for name in firsts %}, {{ name | ident }}{% endfor %}

  from newly_seen
  union all
  select known.experiment_no, known.unit, known.variant_no, known.last_variant_no, known.exposed_at{% for name in firsts %}, known.{{ name | ident }}{% endfor %}

  from {{ tree(known) }} as known
  join newly_seen on newly_seen.experiment_no = known.experiment_no and newly_seen.unit = known.unit
  {% if waiting %}
  union all
  /* units that have not met their experiment's trigger yet */
  select known.experiment_no, known.unit, known.variant_no, known.last_variant_no, known.exposed_at{% for name in firsts %}, known.{{ name | ident }}{% endfor %}

  from {{ tree(known) }} as known
  left join {{ tree(units) }} as units
    on units.unit = known.unit and units.unit_key // {{ keys_per_experiment | literal }} = known.experiment_no
  where units.unit_key is null
    and known.variant_no = known.last_variant_no
    and known.experiment_no in ({% for number in waiting %}{{ number | literal }}{% if not loop.last %}, {% endif %}{% endfor %})
  {% endif %}
) as sightings
group by experiment_no, unit
