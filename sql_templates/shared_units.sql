/* units that two experiments share, by their variants in both: n{% if terms %}, sums and cross products{% endif %} */
with shared as (
  select
    units.unit_key,
    cells.experiment_no,
    cells.variant_no,
    {{ tree(epoch) }} as epoch
    {% for name in days %}
    , cells.{{ name | ident }}
    {% endfor %}
    {% for name in words %}
    , codes.{{ name | ident }}
    {% endfor %}
  from exposed_units as units
  join unit_codes as codes on codes.unit = units.unit
  join cells on cells.cell = units.unit_key // {{ units_per_cell | literal }}
  where cells.experiment_no in ({% for number in numbers %}{{ number | literal }}{% if not loop.last %}, {% endif %}{% endfor %})
)
{% if terms %}
{% include "_shared_values.sql" %}
{% endif %}
, combined as (
  /* one row per variant and combination of variants in other experiments, before these are taken apart into pairs */
  select
    experiment_no,
    variant_no,
    epoch,
    {% if has_several_words %}
    case
      {% for name in words %}
      when {{ name | ident }} is not null then {{ loop.index | literal }}
      {% endfor %}
    end as word_no,
    coalesce({% for name in words %}{{ name | ident }}{% if not loop.last %}, {% endif %}{% endfor %}) as word,
    {% else %}
    1 as word_no,
    {{ words[0] | ident }} as word,
    {% endif %}
    count(*) as unit_count
    {% for term in terms %}
    , {{ tree(term.tree) }} as {{ term.name | ident }}
    {% endfor %}
  from {% if terms %}capped_values{% else %}shared{% endif %}

  group by {% if has_several_words %}grouping sets ({% for name in words %}(experiment_no, variant_no, epoch, {{ name | ident }}){% if not loop.last %}, {% endif %}{% endfor %}){% else %}experiment_no, variant_no, epoch, {{ words[0] | ident }}{% endif %}

)
select
  combined.experiment_no,
  combined.variant_no,
  combined.epoch,
  places.other_no,
  combined.word // places.digit_value % places.radix as digit,
  sum(combined.unit_count) as unit_count
  {% for term in terms %}
  , sum(combined.{{ term.name | ident }}) as {{ term.name | ident }}
  {% endfor %}
from combined
join (
  values
  {% for row in places %}
    ({% for value in row %}{{ tree(value) }}{% if not loop.last %}, {% endif %}{% endfor %}){% if not loop.last %},{% endif %}

  {% endfor %}
) as places(other_no, word_no, digit_value, radix)
  on places.word_no = combined.word_no
where combined.word // places.digit_value % places.radix > 0
group by combined.experiment_no, combined.variant_no, combined.epoch, places.other_no, combined.word // places.digit_value % places.radix
