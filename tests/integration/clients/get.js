// get.js URL CA: a token of npm's kerberos.
const fs = require('fs');
const kerberos = require('kerberos');

const url = new URL(process.argv[2]);
const module_ = require(url.protocol.slice(0, -1));

async function main() {
  const client = await kerberos.initializeClient('HTTP@localhost', {});
  const token = await client.step('');
  const request = module_.get(url, {
    ca: fs.readFileSync(process.argv[3]),
    headers: { Authorization: 'Negotiate ' + token },
  }, (answer) => {
    let body = '';
    answer.on('data', (part) => { body += part; });
    answer.on('end', () => console.log(answer.statusCode, body));
  });
  request.on('error', (e) => console.log(String(e)));
}

main();
