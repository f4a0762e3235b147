/* units that are analysed since the last closed day, and were not before */
select analysed.*
from {{ tree(analysed) }} as analysed
left join {{ tree(units) }} as units
  on units.unit = analysed.unit
  and units.unit_key // {{ keys_per_experiment | literal }} = analysed.experiment_no
where units.unit_key is null
