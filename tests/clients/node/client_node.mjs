// Sends one event with the official Node.js client: arguments and answer as JSON on stdio.
import { readFileSync } from 'node:fs';
import { LLMtrack } from 'llmtrack';

const request = JSON.parse(readFileSync(0, 'utf8'));
const tracker = new LLMtrack({ apiKey: request.key, baseUrl: request.url });
let answer;
try {
  answer = { ok: await tracker.trackSync(request.event) };
} catch (error) {
  answer = { code: error.code, status: error.status, body: error.responseBody };
}
process.stdout.write(JSON.stringify(answer));
