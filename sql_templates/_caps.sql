  {% if known_caps is not none %}
  /* percentile caps: each experiment has its own */
  join (
    values
    {% for row in known_caps.rows %}
      ({% for value in row %}{{ tree(value) }}{% if not loop.last %}, {% endif %}{% endfor %}){% if not loop.last %},{% endif %}

    {% endfor %}
  ) as caps(experiment_no{% for name in known_caps.names %}, {{ name | ident }}{% endfor %})
    on caps.experiment_no = cell // {{ known_caps.cells_per_experiment | literal }}
  {% endif %}
