#!/usr/bin/env node
import { runLine } from "./commands.ts";

process.exitCode = await runLine(process.argv.slice(2));
