// flags: --secret-source mock=default,cool=some-secret,short=x --secret-source mock=name=another,cool=other-secret
import secrets from 'k6/secrets';
export default async function () {
  const cool = await secrets.get('cool');
  const other = await secrets.source('another').get('cool');
  console.log(cool.length, other.length, `they are ${cool} and ${other}`);
  for (const asked of [() => secrets.get('none'), () => secrets.source('third').get('cool')]) {
    try { await asked(); } catch (error) { console.log(error.message); }
  }
}
