// build.mjs FOLDER FIGURES: the page with its style, library, script and figures inside, on standard output.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, figures] = process.argv.slice(2);
const read = (...path) => readFileSync(join(folder, ...path), 'utf8');
// A closing tag within a script would end it.
const script = text => text.replace(/<\/script/gi, '<\\/script');

const parts = {
	STYLE: read('page.css'),
	LIBRARY: script(read('node_modules', 'chart.js', 'dist', 'chart.umd.js').replace(/\n?\/\/# sourceMappingURL=.*$/m, '')),
	FIGURES: readFileSync(figures, 'utf8').trim().replace(/</g, '\\u003c'),
	SCRIPT: script(read('page.js')),
};
process.stdout.write(read('page.html').replace(/\{\{([A-Z]+)\}\}/g, (_, name) => parts[name]));
