/* units that counted until the last closed day and have been seen in a second variant since */
select units.unit_key, units.unit, units.exposed_at, units.exposed_day
from {{ tree(units) }} as units
join seen_units as seen
  on seen.unit = units.unit
  and seen.experiment_no = units.unit_key // {{ keys_per_experiment | literal }}
where seen.variant_no <> seen.last_variant_no
