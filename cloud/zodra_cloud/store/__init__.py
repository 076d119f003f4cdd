"""The cloud's database: engine, unit of work, column types, migrations, jobs and timers."""
