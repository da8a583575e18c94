CREATE TABLE calls (
    -- === ИДЕНТИФИКАЦИЯ ===
    id SERIAL PRIMARY KEY,                          -- Внутренний ID PostgreSQL
    unique_id TEXT UNIQUE NOT NULL,                 -- UniqueId от Asterisk (1749034247.6528)
    mongo_id TEXT,                                  -- _id из MongoDB (для миграции)
    
    -- === ВРЕМЕННЫЕ МЕТКИ ===
    timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,  -- Когда запись создана у нас
    start_time TIMESTAMP,                           -- Фактическое время начала звонка
    end_time TIMESTAMP,                             -- Фактическое время окончания звонка
    duration INTEGER,                               -- Длительность в секундах
    
    -- === ОСНОВНАЯ ИНФОРМАЦИЯ О ЗВОНКЕ ===
    enterprise_id TEXT NOT NULL,                    -- ID предприятия (0367, 0368, etc.)
    token TEXT NOT NULL,                            -- Токен предприятия для аутентификации
    
    -- === УЧАСТНИКИ ===
    phone_number TEXT,                              -- Внешний номер (кто звонил или кому звонили)
    trunk TEXT,                                     -- Транк (SIP/DAHDI/etc.)
    main_extension TEXT,                            -- Основной внутренний номер (кто ответил)
    extensions_count INTEGER DEFAULT 1,            -- Количество участников (для быстрых запросов)
    
    -- === СТАТУСЫ И ТИПЫ ===
    call_type TEXT NOT NULL,                        -- 'incoming', 'outgoing', 'internal'
    call_status TEXT,                               -- 'answered', 'no_answer', 'busy', 'failed'
    
    -- === ИСТОЧНИК ДАННЫХ (КРИТИЧНО!) ===
    data_source TEXT NOT NULL DEFAULT 'live',      -- 'live' | 'downloaded' | 'migrated'
    received_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP, -- Когда получили событие
    asterisk_host TEXT,                             -- IP астериска (10.88.10.xxx)
    
    -- === ПОЛНЫЕ ДАННЫЕ ===
    raw_data JSONB,                                 -- Полный JSON от Asterisk (бэкап)
    extra_data JSONB,                               -- Дополнительные поля (PhoneInfo, ExtensionInfo)
    
    -- === ИНДЕКСЫ ===
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- Индексы для производительности
CREATE INDEX idx_calls_enterprise_timestamp ON calls(enterprise_id, timestamp DESC);
CREATE INDEX idx_calls_unique_id ON calls(unique_id);
CREATE INDEX idx_calls_phone_number ON calls(phone_number);
CREATE INDEX idx_calls_data_source ON calls(data_source);
CREATE INDEX idx_calls_start_time ON calls(start_time DESC);

CREATE TABLE call_participants (
    -- === СВЯЗИ ===
    id SERIAL PRIMARY KEY,
    call_id INTEGER NOT NULL REFERENCES calls(id) ON DELETE CASCADE,
    
    -- === УЧАСТНИК ===
    extension TEXT NOT NULL,                        -- Номер внутреннего (150, 162, etc.)
    
    -- === СТАТУС УЧАСТИЯ ===
    participant_status TEXT NOT NULL,               -- 'answered', 'no_answer', 'busy', 'dialing'
    ring_order INTEGER,                             -- Порядок в группе (для "звонок на список")
    ring_duration INTEGER,                          -- Сколько секунд звонил до ответа/отказа
    
    -- === ВРЕМЕННЫЕ МЕТКИ ===
    dial_start TIMESTAMP,                           -- Когда начал звонить этому участнику
    answer_time TIMESTAMP,                          -- Когда ответил (если ответил)
    hangup_time TIMESTAMP,                          -- Когда завершил участие
    
    -- === ДОПОЛНИТЕЛЬНАЯ ИНФОРМАЦИЯ ===
    extension_info JSONB,                           -- Информация о внутреннем номере
    disconnect_reason TEXT,                         -- Причина завершения ('answered_elsewhere', 'timeout', etc.)
    
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- Индексы
CREATE INDEX idx_participants_call_id ON call_participants(call_id);
CREATE INDEX idx_participants_extension ON call_participants(extension);
CREATE INDEX idx_participants_status ON call_participants(participant_status);

CREATE TABLE call_events (
    -- === ИДЕНТИФИКАЦИЯ ===
    id SERIAL PRIMARY KEY,
    call_id INTEGER REFERENCES calls(id) ON DELETE CASCADE,
    unique_id TEXT NOT NULL,                        -- Тот же unique_id что в calls
    
    -- === ТИП СОБЫТИЯ ===
    event_type TEXT NOT NULL,                       -- 'start', 'dial', 'bridge', 'hangup'
    event_sequence INTEGER,                         -- Порядковый номер события в звонке
    
    -- === ВРЕМЕННЫЕ МЕТКИ ===
    event_timestamp TIMESTAMP NOT NULL,             -- Время события от Asterisk
    received_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP, -- Время получения у нас
    
    -- === ИСТОЧНИК ===
    data_source TEXT NOT NULL DEFAULT 'live',      -- 'live' | 'downloaded'
    
    -- === ОБРАБОТКА ===
    processed BOOLEAN DEFAULT FALSE,                -- Обработано ли событие
    needs_telegram BOOLEAN DEFAULT TRUE,            -- Нужно ли слать в Telegram
    needs_integration BOOLEAN DEFAULT TRUE,         -- Нужно ли слать в интеграции
    telegram_sent BOOLEAN DEFAULT FALSE,            -- Отправлено ли в Telegram
    integration_sent BOOLEAN DEFAULT FALSE,         -- Отправлено ли в интеграции
    
    -- === ПОЛНЫЕ ДАННЫЕ ===
    raw_data JSONB NOT NULL,                        -- Полный JSON события
    
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- Индексы
CREATE INDEX idx_events_unique_id ON call_events(unique_id);
CREATE INDEX idx_events_type ON call_events(event_type);
CREATE INDEX idx_events_processed ON call_events(processed) WHERE processed = FALSE;
CREATE INDEX idx_events_telegram ON call_events(telegram_sent) WHERE telegram_sent = FALSE;

CREATE TABLE download_sync (
    -- === ИДЕНТИФИКАЦИЯ ===
    id SERIAL PRIMARY KEY,
    enterprise_id TEXT NOT NULL,
    asterisk_host TEXT NOT NULL,
    
    -- === СТАТУС СИНХРОНИЗАЦИИ ===
    last_check_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    last_successful_sync TIMESTAMP,
    last_failed_sync TIMESTAMP,
    
    -- === СТАТИСТИКА ===
    total_downloaded_events INTEGER DEFAULT 0,
    failed_events_count INTEGER DEFAULT 0,
    last_error_message TEXT,
    
    -- === КОНТРОЛЬ ===
    sync_enabled BOOLEAN DEFAULT TRUE,
    check_interval_minutes INTEGER DEFAULT 60,     -- Как часто проверять
    
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- Индексы
CREATE UNIQUE INDEX idx_sync_enterprise_host ON download_sync(enterprise_id, asterisk_host);
