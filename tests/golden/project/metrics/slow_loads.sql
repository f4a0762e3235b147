{{ config(version=1, type='quantile', quantile=0.99, direction='decrease') }}
select user_id, milliseconds
from loads
where loaded_at >= :start and loaded_at < :end
