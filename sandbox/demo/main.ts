import { demo } from "./command.ts";

process.exitCode = await demo(process.argv.slice(2));
