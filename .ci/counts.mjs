// Prints "<passed> <failed>" from the JSON report of a test run and its exit status. A file that did not load has no
// tests of its own and counts as one failure; so does a run that failed in any way that no test shows.
import { readFileSync } from "node:fs";

const [reportFile, status] = process.argv.slice(2);
const { passed, failed } = count(reportFile);
console.log(`${passed} ${failed === 0 && status !== "0" ? 1 : failed}`);

function count(file) {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(file, "utf8"));
    const unloaded = testResults.filter((each) => each.status === "failed" && each.assertionResults.length === 0);
    return { passed: numPassedTests, failed: numFailedTests + unloaded.length };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
