/**
 * The providers' names as conventions, SDKs and gateways write them, by the one that the price
 * list has. A name that is in none of these stands for itself. Never by what a name contains: an
 * `openai-compatible` server is not OpenAI.
 */
const aliases: Readonly<Record<string, readonly string[]>> = {
  anthropic: ['claude', 'anthropic-ai'],
  aws: ['aws-bedrock', 'bedrock', 'amazon-bedrock', 'amazon', 'bedrock-converse'],
  azure: [
    'azure-ai',
    'azure-ai-inference',
    'azure-ai-openai',
    'az-ai-inference',
    'az-ai-openai',
    'azure-openai',
    'azureopenai',
  ],
  cohere: ['cohere-ai', 'cohere-chat'],
  fireworks: ['fireworks-ai'],
  'github-copilot': ['copilot'],
  google: [
    'gcp-gemini',
    'gcp-gen-ai',
    'gcp-vertex-ai',
    'gcp',
    'gemini',
    'google-ai',
    'google-genai',
    'google-generative-ai',
    'google-vertex',
    'google-vertexai',
    'vertex',
    'vertex-ai',
    'vertexai',
  ],
  'ibm-watsonx-ai': ['watsonx', 'watsonx-ai', 'ibm-watsonx', 'ibm'],
  mistral: ['mistral-ai', 'mistralai'],
  moonshotai: ['moonshot', 'moonshot-ai'],
  openai: ['open-ai'],
  perplexity: ['perplexity-ai'],
  together: ['together-ai', 'togetherai'],
  voyageai: ['voyage', 'voyage-ai'],
  'x-ai': ['xai'],
};

const byAlias = new Map(
  Object.entries(aliases).flatMap(([name, others]) => others.map((other) => [other, name])),
);

/** What SDKs append to the provider: the part of its API. */
const api = /-(?:chat|responses|messages|completions?|embeddings?|generative-ai)$/;

/** One name for each provider, however it is written; '' for none. */
export function providerName(given: string): string {
  const name = given
    .trim()
    .toLowerCase()
    .replace(/[\s_./:]+/g, '-');
  const plain = name.replace(api, '');
  return byAlias.get(name) ?? byAlias.get(plain) ?? plain.replace(/^huggingface-/, 'huggingface_');
}
