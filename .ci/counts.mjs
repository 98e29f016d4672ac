// Prints "<passed> <failed>" from the JSON report of a test run and its exit status, then each failure in a line. A file
// that did not load has no tests of its own and counts as one failure; so does a run that failed in any way that no
// test shows, or in which no test ran.
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const [reportFile, status] = process.argv.slice(2);
const { passed, failures } = count(reportFile);
if (failures.length === 0 && status !== "0") failures.push("the run ended with an error that no test shows");
if (failures.length === 0 && passed === 0) failures.push("no test ran");
console.log([`${passed} ${failures.length}`, ...failures].join("\n"));

function count(file) {
  try {
    const { numPassedTests, testResults } = JSON.parse(readFileSync(file, "utf8"));
    return { passed: numPassedTests, failures: testResults.flatMap(failuresOf) };
  } catch (error) {
    return { passed: 0, failures: [`the report can't be read: ${error.message}`] };
  }
}

function failuresOf({ name, status, message, assertionResults }) {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter((each) => each.status === "failed");
  if (status === "failed" && failed.length === 0) return [`${file}: ${firstLine(message)}`];
  return failed.map((each) => `${file} > ${each.fullName}: ${firstLine(each.failureMessages[0])}`);
}

function firstLine(text) {
  return (text ?? "").split("\n")[0].slice(0, 300);
}
