import { arns, clusterName } from "../../scene.ts";
import type { Example } from "./composer.ts";
import type { Viewer } from "./viewer.ts";

const form: Example = { label: "Ask for access with the form", line: "/eks-access request" };
const help: Example = { label: "What can I type?", line: "/eks-access help" };
const creator: Example = { label: "Who created the cluster?", line: `/eks-access creator ${clusterName}` };
const creatorUser: Example = { label: "Who created one that an IAM user made?", line: "/eks-access creator legacy" };
const creatorFound: Example = { label: "Who created one that nobody knows of?", line: "/eks-access creator research" };
const whoAmI: Example = { label: "Who am I?", line: "/eks-access whoami" };

const twoMinutes = (arn: string): Example => ({
  label: "Ask in one line, for two minutes",
  line: `/eks-access request ${clusterName} ${arn} viewer for 2m look into the failing rollout`,
});
const ofRole: Example = {
  label: "Ask for a role that the worker can sign in as",
  line: `/eks-access request ${clusterName} ${arns.developers} viewer for 2m look at the shop as a team`,
};
const typo: Example = {
  label: "Ask with mistakes",
  line: `/eks-access request stagging arn:aws:sts::111122223333:assumed-role/developers/me viewr for 9h debug`,
};

/** Lines that are worth trying as this person. */
export function examplesFor({ as }: Viewer): readonly Example[] {
  if (as.id === "U0ENGINEER") return [form, twoMinutes(arns.engineer), ofRole, typo, whoAmI];
  if (as.id === "U0ONCALL") return [creator, creatorUser, creatorFound, twoMinutes(arns.onCall), help];
  return [creator, help];
}
