-- Сколько событий пришло вживую vs скачано принудительно?
SELECT data_source, COUNT(*) FROM calls GROUP BY data_source;

-- Какие предприятия часто теряют связь?
SELECT enterprise_id, COUNT(*) as downloaded_events 
FROM calls WHERE data_source = 'downloaded' 
GROUP BY enterprise_id ORDER BY downloaded_events DESC;

-- Кто чаще всего отвечает на звонки?
SELECT extension, COUNT(*) as answered_calls 
FROM call_participants 
WHERE participant_status = 'answered' 
GROUP BY extension ORDER BY answered_calls DESC;

-- Средняя скорость ответа по сотрудникам
SELECT extension, AVG(ring_duration) as avg_ring_time
FROM call_participants 
WHERE participant_status = 'answered'
GROUP BY extension;

-- Есть ли необработанные события?
SELECT COUNT(*) FROM call_events WHERE processed = FALSE;

-- Что не ушло в Telegram?
SELECT event_type, COUNT(*) FROM call_events 
WHERE needs_telegram = TRUE AND telegram_sent = FALSE 
GROUP BY event_type;
