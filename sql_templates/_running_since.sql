earlier as (
  /* what units that are active on several open days have had on those before */
  select
    recent.unit_key,
    recent.day,
    count(*) as days
    {% for column in columns %}
    , {{ tree(column.merged) }} as {{ column.name | ident }}
    {% endfor %}
  from (select unit_key, day from {{ since.recent | ident }} where day > 0) as recent
  join (
    select unit_key as key_before, day as day_before{% for column in columns %}, {{ column.name | ident }}{% endfor %}

    from {{ since.recent | ident }}
    where day > 0
  ) as before
    on before.key_before = recent.unit_key
    and before.day_before < recent.day
  {% if since.is_asked is not none %}
  where {{ tree(since.is_asked) }}
  {% endif %}
  group by recent.unit_key, recent.day
)
, running as (
  select
    recent.unit_key,
    recent.day,
    1 + coalesce(earlier.days, 0){% if since.known is not none %} + case when closed.unit_key is null then 0 else 1 end{% endif %} as active_day
    {% for column in columns %}
    , {{ tree(column.now) }} as {{ column.name | ident }}
    , {{ tree(column.before) }} as {{ column.before_name | ident }}
    {% endfor %}
  from {{ since.recent | ident }} as recent
  left join earlier on earlier.unit_key = recent.unit_key and earlier.day = recent.day
  {% if since.known is not none %}
  left join {{ tree(since.known) }} as closed on closed.unit_key = recent.unit_key and closed.day = 1
  {% endif %}
  where recent.day > 0
  {% if since.is_asked is not none %}
  and {{ tree(since.is_asked) }}
  {% endif %}
)
