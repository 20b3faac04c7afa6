// page.js: draws the figures. Every figure stands in a table, too; numbers are
// shown as the database rounded them.
'use strict';

const figures = JSON.parse(document.getElementById('figures').textContent);
const colours = ['#1f62a6', '#e08a1e', '#3a9b6a'];
const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 4 });
const charts = {};
Chart.defaults.font.family = 'system-ui, sans-serif';
Chart.defaults.animation = false;

function show(value) {
	if (value === null) return '';
	return typeof value === 'number' ? number.format(value) : String(value);
}

function element(parent, name, attributes, text) {
	const e = document.createElement(name);
	Object.assign(e, attributes || {});
	if (text !== undefined) e.textContent = text;
	parent.appendChild(e);
	return e;
}

function title(column) {
	return column.replace(/_percent$/, ' %').replace(/_/g, ' ');
}

// A table of all rows of a figure, folded away below its chart.
function table(name) {
	const rows = figures[name];
	const box = element(document.getElementById(name), 'details');
	element(box, 'summary', {}, 'Numbers');
	const t = element(element(box, 'div', { className: 'scroll' }), 'table', { className: 'rows' });
	t.dataset.figure = name;
	if (rows.length === 0) return;
	const columns = Object.keys(rows[0]);
	const head = element(element(t, 'thead'), 'tr');
	const kind = c => (rows.some(r => typeof r[c] === 'number') ? '' : 'text');
	columns.forEach(c => element(head, 'th', { className: kind(c) }, title(c)));
	const body = element(t, 'tbody');
	rows.forEach(r => {
		const line = element(body, 'tr');
		columns.forEach(c => element(line, 'td', { className: kind(c) }, show(r[c])));
	});
}

function chart(name, configuration) {
	const box = element(document.getElementById(name), 'div', { className: 'chart' });
	configuration.options = Object.assign({ responsive: true, maintainAspectRatio: false }, configuration.options);
	charts[name] = new Chart(element(box, 'canvas', { role: 'img', ariaLabel: name.replace('_', ' ') }), configuration);
}

// A grid of cells, coloured by their value.
function heat(name, rowLabels, columnLabels, cell, corner) {
	const t = element(element(document.getElementById(name), 'div', { className: 'scroll' }), 'table', { className: 'heat' });
	t.dataset.figure = name;
	const most = Math.max(...rowLabels.flatMap(r => columnLabels.map(c => cell(r, c) || 0)), 1);
	const head = element(t, 'tr');
	element(head, 'th', { className: 'text' }, corner);
	columnLabels.forEach(c => element(head, 'th', {}, c));
	rowLabels.forEach(r => {
		const line = element(t, 'tr');
		element(line, 'th', { className: 'text' }, r);
		columnLabels.forEach(c => {
			const value = cell(r, c);
			const td = element(line, 'td', {}, value === undefined ? '' : show(value));
			if (value !== undefined) {
				td.style.background = `rgba(31, 98, 166, ${0.06 + 0.94 * Math.sqrt(value / most)})`;
				td.className = Math.sqrt(value / most) > 0.8 ? 'dark' : '';
			}
		});
	});
}

function lines(name, x, xTitle, yTitle, series) {
	chart(name, {
		type: 'line',
		data: {
			datasets: series.map(([label, column], i) => ({
				label, data: figures[name].map(r => ({ x: r[x], y: r[column] })),
				borderColor: colours[i], backgroundColor: colours[i], pointRadius: 2, borderWidth: 2,
			})),
		},
		options: {
			scales: {
				x: { type: 'linear', title: { display: true, text: xTitle } },
				y: { beginAtZero: true, title: { display: true, text: yTitle } },
			},
			plugins: { legend: { display: series.length > 1 } },
		},
	});
}

function bars(name, label, series, horizontal) {
	chart(name, {
		type: 'bar',
		data: {
			labels: figures[name].map(label),
			datasets: series.map(([title, value], i) => ({ label: title, data: figures[name].map(value), backgroundColor: colours[i] })),
		},
		options: {
			indexAxis: horizontal ? 'y' : 'x',
			scales: { x: { beginAtZero: true }, y: { beginAtZero: true, ticks: { autoSkip: false } } },
			plugins: { legend: { display: series.length > 1 } },
		},
	});
}

function describe(name, text) {
	document.querySelector(`#${name} p`).textContent = text;
}

const assumption = figures.assumption[0];
const customers = figures.segment.reduce((sum, s) => sum + s.customers, 0);
document.getElementById('intro').textContent = `${show(customers)} customers, as of ${assumption.as_of}`;

const grid = Object.fromEntries(figures.rfm_grid.map(c => [`${c.recency} ${c.frequency}`, c.customers]));
heat('rfm_grid', [5, 4, 3, 2, 1], [1, 2, 3, 4, 5], (r, f) => grid[`${r} ${f}`], 'recency \\ frequency');

bars('segment', s => s.segment, [
	['customers %', s => Math.round(1000 * s.customers / customers) / 10], ['revenue %', s => s.revenue_percent]], true);

const peak = figures.whale_peak[0];
describe('whale', `Cumulated profit, the most profitable customers first, at a margin of ${show(100 * assumption.margin)} %, ` +
	`${show(assumption.cost_of_an_order)} to serve an order and ${show(assumption.acquisition_cost)} to acquire a customer. ` +
	(peak.profit_percent === null ? 'The total is not positive.' :
		`Highest at ${show(peak.customer_percent)} % of the customers: ${show(peak.profit_percent)} % of the profit.`));
lines('whale', 'customer_percent', 'customers, %', 'cumulated profit, %', [['profit', 'profit_percent']]);

describe('cohort', `Customers by the ${assumption.period} of their first purchase: percent who bought in each ${assumption.period} ` +
	'after it. Periods that are not over are left out.');
const cells = Object.fromEntries(figures.cohort.map(c => [`${c.cohort_start} ${c.age}`, c.active_percent]));
heat('cohort', [...new Set(figures.cohort.map(c => c.cohort_start))], [...new Set(figures.cohort.map(c => c.age))].sort((a, b) => a - b),
	(cohort, age) => cells[`${cohort} ${age}`], 'first purchase');

bars('migration', m => `${m.from_state} → ${m.to_state}`, [['customers', m => m.customers]], true);
if (figures.tracking.length > 0) {
	lines('tracking', 'week', 'weeks', 'purchases, cumulated', [['expected', 'expected'], ['actual', 'actual']]);
} else {
	describe('tracking', 'The orders are too few, or of too short a time, to fit a model.');
}
bars('tier', t => t.tier, [['customers', t => t.customers]], false);
['rfm_grid', 'segment', 'whale', 'cohort', 'migration', 'tracking', 'tier'].forEach(table);
