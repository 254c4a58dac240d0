// One turn of a program on the official TypeScript SDK: `node turn.mjs stream` or `node turn.mjs tool`.
// The gateway's address, the virtual key and the credential come from the variables that the SDK itself reads:
// ANTHROPIC_BASE_URL, ANTHROPIC_CUSTOM_HEADERS, ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN.
// Prints one line of JSON: the last message's text, the tools that ran, and usage and request id of each message.
import Anthropic from '@anthropic-ai/sdk';

const prompts = { stream: 'Say hello', tool: 'Please use the tool now' };
const tool = {
  name: 'lookup',
  description: 'Looks a word up.',
  input_schema: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] },
};

const mode = process.argv[2];
if (!(mode in prompts)) {
  throw new Error(`unknown mode: ${mode}`);
}

const client = new Anthropic({ maxRetries: 0 });
const messages = [{ role: 'user', content: prompts[mode] }];
const turn = { text: '', tools: [], answers: [] };

for (;;) {
  turn.text = '';
  const stream = client.messages.stream({
    model: 'claude-sonnet-5',
    max_tokens: 1024,
    messages,
    ...(mode === 'tool' ? { tools: [tool] } : {}),
  });
  stream.on('text', (delta) => { turn.text += delta; });
  const message = await stream.finalMessage();
  turn.answers.push({ requestId: stream.request_id, stopReason: message.stop_reason, usage: message.usage });
  const calls = message.content.filter((block) => block.type === 'tool_use');
  if (calls.length === 0) {
    break;
  }

  turn.tools.push(...calls.map((call) => call.name));
  messages.push({ role: 'assistant', content: message.content });
  messages.push({
    role: 'user',
    content: calls.map((call) => ({ type: 'tool_result', tool_use_id: call.id, content: `found: ${call.input.word}` })),
  });
}

console.log(JSON.stringify(turn));
