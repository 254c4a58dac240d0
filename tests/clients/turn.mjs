// One turn through the official TypeScript SDK: `node turn.mjs stream|tool`, configured by the SDK's own environment variables.
// Prints one line of JSON: the text, the usage, and whether a tool ran.
import Anthropic from "@anthropic-ai/sdk";

const mode = process.argv[2];
const headers = process.env.TURN_GATEWAY_KEY ? { "x-litellm-api-key": process.env.TURN_GATEWAY_KEY } : {};
const client = new Anthropic({
  apiKey: process.env.ANTHROPIC_API_KEY ?? null,
  authToken: process.env.ANTHROPIC_AUTH_TOKEN ?? null,
  defaultHeaders: headers,
  maxRetries: 0,
});
const tools = [
  {
    name: "lookup",
    description: "Looks a word up.",
    input_schema: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
  },
];
const messages = [{ role: "user", content: mode === "tool" ? "Please use the tool now" : "Say hello" }];

async function turn() {
  const stream = client.messages.stream({
    model: "claude-sonnet-5-5",
    max_tokens: 512,
    messages,
    ...(mode === "tool" ? { tools } : {}),
  });
  return await stream.finalMessage();
}

let message = await turn();
let toolRan = false;
if (message.stop_reason === "tool_use") {
  const call = message.content.find((block) => block.type === "tool_use");
  toolRan = true;
  messages.push({ role: "assistant", content: message.content });
  messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "found" }] });
  message = await turn();
}

const text = message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
console.log(JSON.stringify({ text, toolRan, stop: message.stop_reason, usage: message.usage }));
