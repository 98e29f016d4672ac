/** Everything of src/aws-auth that other rooms can import; test/architecture.test.ts allows nothing else. */

export {
  checkFile,
  type FileReport,
  inBinaryData,
  locator,
  notTextWords,
  toSarif,
  withFileLines,
} from "./check-file.ts";
export { annotationsOf, type ConfigMapFile, readConfigMapFile } from "./config-map.ts";
export {
  type AwsAuthDocument,
  callerKey,
  competingEntries,
  type Entry,
  entriesFor,
  entryAt,
  entryOf,
  goFold,
  isAccountId,
  type PlanGuard,
  type Problem,
  type ReadDocument,
  type Section,
  type Severity,
  sameGroups,
} from "./document.ts";
export { isWholeDocument, planDocumentRepair, type Readmission, readmissionsOf } from "./document-repair.ts";
export { WILDCARD } from "./entry-problems.ts";
export { finish, type Steps } from "./go-yaml/budget.ts";
export { type AccessChange, accessChanges, isCreator } from "./guard.ts";
export { entriesThatYield, isNode, MASTERS, type NamedEntry, render } from "./names.ts";
export { parseDocument, parseSteps, problemSteps } from "./parse.ts";
export { cannotChange, type PlannedText, planChanges, planSteps, type RefusedPlan, refuseUnlessWhole } from "./plan.ts";
export { readingSteps } from "./read-document.ts";
export { offerRepairs, type Repair } from "./repair.ts";
export { changedCallers, type Identity, isWildcard, resolve, wildcardsFor } from "./resolve.ts";
export { quote, unifiedDiff } from "./text-edit.ts";
export { writeConfigMap } from "./write-config-map.ts";
