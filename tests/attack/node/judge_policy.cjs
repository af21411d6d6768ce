// Reads a Content-Security-Policy from stdin; writes what csp_evaluator has against it as JSON.
const { CspEvaluator } = require('csp_evaluator/dist/evaluator.js');
const { Severity, Type } = require('csp_evaluator/dist/finding.js');
const { CspParser } = require('csp_evaluator/dist/parser.js');
const { readFileSync } = require('node:fs');

const findings = new CspEvaluator(new CspParser(readFileSync(0, 'utf8')).csp).evaluate();
const told = findings.map((found) => [
  Severity[found.severity], Type[found.type], found.directive, found.value ?? '',
]);
process.stdout.write(JSON.stringify(told));
