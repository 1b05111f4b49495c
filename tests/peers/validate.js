// Every resource of every JSON file in FOLDER is valid FHIR R4, says the npm package `fhir`.
//
//     NODE_PATH=…/node_modules node validate.js FOLDER [FOLDER...]     exit 0 all valid, 1 issues found, 2 nothing to validate
'use strict';
const fs = require('fs');
const path = require('path');
const { Fhir } = require('fhir');

function* jsonFiles(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* jsonFiles(full);
    else if (entry.name.endsWith('.json')) yield full;
  }
}

function* resources(value) {
  yield value;
  if (value.resourceType !== 'Bundle') return;
  for (const entry of value.entry || []) if (entry.resource) yield entry.resource;
}

const folders = process.argv.slice(2);
if (folders.length === 0) {
  console.error('usage: validate.js FOLDER [FOLDER...]');
  process.exit(2);
}
const fhir = new Fhir();
function errors(resource) {
  const messages = fhir.validate(resource, { errorOnUnexpected: true }).messages;
  return messages.filter((message) => message.severity === 'error' || message.severity === 'fatal');
}

if (errors({ resourceType: 'Task', status: 'no-such-status', intent: 'order' }).length === 0) {
  console.log('npm fhir accepts a Task with an impossible status: it does not validate');
  process.exit(1);
}
let checked = 0;
let bad = 0;
for (const folder of folders) {
  for (const file of jsonFiles(folder)) {
    const content = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (!content || !content.resourceType) continue;
    for (const resource of resources(content)) {
      checked += 1;
      const issues = errors(resource);
      for (const issue of issues) console.log(`${path.basename(file)}: ${resource.resourceType}: ${issue.location || ''} ${issue.message}`);
      if (issues.length > 0) bad += 1;
    }
  }
}
console.log(`npm fhir: ${checked} resources, ${bad} not valid`);
process.exit(checked === 0 ? 2 : bad > 0 ? 1 : 0);
