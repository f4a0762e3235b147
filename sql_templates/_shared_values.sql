, capped_values as (
  /* values of shared units within their caps */
  select
    shared.experiment_no,
    shared.variant_no,
    shared.epoch
    {% for name in days %}
    , shared.{{ name | ident }}
    {% endfor %}
    {% for name in words %}
    , shared.{{ name | ident }}
    {% endfor %}
    {% for value in capped %}
    , {{ tree(value.tree) }} as {{ value.name | ident }}
    {% endfor %}
  from unit_values
  join shared on shared.unit_key = unit_values.unit_key
{% include "_caps.sql" %}
)
