// read.mjs HOST PORT: as read.py does, with pg.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(`${process.cwd()}/`);
const pg = require('pg');
const [host, port] = process.argv.slice(2);
const db = new pg.Client({ host, port, database: 'shop', user: 'postgres' });
await db.connect();
for (const view of readFileSync(0, 'utf8').split(/\s+/).filter(Boolean)) {
	const { fields, rows } = await db.query({ text: `SELECT * FROM ${view}`, rowMode: 'array' });
	console.log(view, fields.length, rows.length, rows.flat().filter(value => value !== null).length);
}
console.log('version', require('pg/package.json').version);
await db.end();
