// Asks for flags through OpenFeature's own SDK and OFREP provider; prints what came back as JSON.
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const [, , baseUrl, key] = process.argv;
const provider = new OFREPProvider({ baseUrl, headers: [['Authorization', `Bearer ${key}`]] });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();
const visitor = { targetingKey: 'visitor-1' };
const keen = { targetingKey: 'visitor-1', keen: true };

const answers = {
  boolean: await client.getBooleanDetails('is-new', false, keen),
  string: await client.getStringDetails('colour', 'none', keen),
  whole: await client.getNumberDetails('count', 0, visitor),
  fraction: await client.getNumberDetails('ratio', 0, visitor),
  object: await client.getObjectDetails('hero', {}, keen),
  hidden: await client.getObjectDetails('hero', { headline: "the code's own" }, { ...visitor, 'in support': true }),
  missing: await client.getBooleanDetails('nowhere', true, visitor),
  nobody: await client.getBooleanDetails('is-new', true, {}),
};
console.log(JSON.stringify(answers));
await OpenFeature.close();
