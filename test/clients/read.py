# read.py CLIENT HOST PORT: reads all rows of the views named on standard input, prints
# for each its name, the number of columns, of rows and of values that are not null; last the client's version.
import sys

client, host, port = sys.argv[1:]
if client == 'psycopg2':
    import psycopg2 as module
    db = module.connect(host=host, port=port, dbname='shop')
    version = module.__version__.split()[0]
elif client == 'psycopg':
    import psycopg as module
    db = module.connect(host=host, port=port, dbname='shop')
    version = module.__version__
elif client == 'odbc':
    import pyodbc as module
    db = module.connect(f'Driver={{PostgreSQL Unicode}};Server={host};Port={port};Database=shop;Uid=postgres')
    version = db.getinfo(module.SQL_DRIVER_VER)
elif client == 'sqlalchemy':
    import sqlalchemy as module
    db = module.create_engine(f'postgresql://postgres@{host}:{port}/shop').raw_connection()
    version = module.__version__
for view in sys.stdin.read().split():
    cursor = db.cursor()
    cursor.execute('SELECT * FROM ' + view)
    rows = cursor.fetchall()
    values = sum(value is not None for row in rows for value in row)
    print(view, len(cursor.description), len(rows), values)
print('version', version)
