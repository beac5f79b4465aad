"""Keys and passwords that only their name gives away; and what stands there instead of one."""

from __future__ import annotations

import base64

import pytest

from hal.privacy.kinds import Kind
from tests.privacy.keys import LOWER, found, some, uuid

PRIVATE = "PRIV" + "ATE KEY"
RANDOM = some(32, LOWER)
NAMED = {
    "assignment": (f'vendor_api_key = "{RANDOM}"', RANDOM),
    "environment": (f"export SOME_SECRET_ACCESS_KEY={RANDOM}", RANDOM),
    "go": (f'clientToken := "{RANDOM}"', RANDOM),
    "ruby": (f"'secret_key_base' => '{RANDOM}'", RANDOM),
    "json": (f'{{"authToken": "{RANDOM}"}}', RANDOM),
    "escaped json": (f'{{\\"authToken\\": \\"{RANDOM}\\"}}', RANDOM),
    "yaml": (f"  api-token: {RANDOM}\n  other: 1", RANDOM),
    "xml": (f"<apiKey>{RANDOM}</apiKey>", RANDOM),
    "call": (f'client.set_token("token", "{RANDOM}")', RANDOM),
    "flag": (f"tool --api-key {RANDOM} --verbose", RANDOM),
    "prose": (f"my vendor key is {RANDOM} please fix it", RANDOM),
    "header": (f"curl -H 'Authorization: Bearer {RANDOM}' https://api.vendor.com", RANDOM),
    "a UUID where they are keys": (f"HEROKU_API_KEY={uuid()}", uuid()),
    "basic": (
        "Authorization: Basic " + base64.b64encode(b"anna:S0mmer!77").decode(),
        base64.b64encode(b"anna:S0mmer!77").decode(),
    ),
    "curl user": ("curl -u anna:S0mmer77x https://api.vendor.com", "anna:S0mmer77x"),
    "curl user, quoted": (
        "curl --user 'anna:S0mmer 77x' https://api.vendor.com",
        "anna:S0mmer 77x",
    ),
    "password in code": ('db.connect(user="anna", password="S0mmer77x")', "S0mmer77x"),
    "password flag": ("mysqldump --password S0mmer77x db", "S0mmer77x"),
    "password flag with =": ("mysqldump --password=S0mmer77x db", "S0mmer77x"),
    "password in yaml": ("spring:\n  datasource:\n    password: S0mmer77x\n", "S0mmer77x"),
    "password in a URL's query": ("/login?user=anna&password=S0mmer77x&next=1", "S0mmer77x"),
    "connection string": ("Server=db1;Uid=anna;Pwd=S0mmer77x;Encrypt=yes", "S0mmer77x"),
    "english": ("my password is S0mmer77x.", "S0mmer77x"),
    "english, was": ("the old password was Blue-Door!9, and", "Blue-Door!9"),
    "german": ("Mein WLAN-Passwort lautet Sommer77!, die", "Sommer77!"),
    "german, colon": ("Kennwort: Sommer77!", "Sommer77!"),
    "french": ("mot de passe : Chaton#42", "Chaton#42"),
    "french, est": ("mon mot de passe est Chaton#42", "Chaton#42"),
    "spanish": ("mi contraseña es Gatito#42", "Gatito#42"),
    "italian": ("la password è Gattino#42", "Gattino#42"),
    "dutch": ("mijn wachtwoord is Poesje#42", "Poesje#42"),
    "polish": ("hasło: Kotek#42", "Kotek#42"),
    "portuguese": ("minha senha é Gatinho#42", "Gatinho#42"),
    "swedish": ("mitt lösenord är Katten#42", "Katten#42"),
    "far from its name": ("my password for the router is Sommer77!x", "Sommer77!x"),
    "far, colon": ("Passwort für das WLAN: Sommer77!x", "Sommer77!x"),
    "a phrase in quotes": ('the wifi password is "blue elephant 99"', "blue elephant 99"),
    "a phrase with hyphens": (
        "password is correct-horse-battery-staple",
        "correct-horse-battery-staple",
    ),
    "far, small": ("senha do wifi: flores2023", "flores2023"),
    "polish, brzmi": ("hasło brzmi Krakow2023", "Krakow2023"),
    "russian": ("пароль: Moskva2024!", "Moskva2024!"),
    "chinese": ("密码：Abc12345!", "Abc12345!"),
    "app password": ('SMTP_PASSWORD = "abcd efgh ijkl mnop"', "abcd efgh ijkl mnop"),
    "after a letter that grows": ("İstanbul İzmir PASSWORD: Sommer77!", "Sommer77!"),
    "short name, is": ("PW ist S0mmer77x", "S0mmer77x"),
    "arrow": ("password → S0mmer77x", "S0mmer77x"),
    "table": ("| password | S0mmer77x |", "S0mmer77x"),
    "auth": ('requests.get(url, auth=("anna", "S0mmer77x"))', "S0mmer77x"),
    "smtp": ("server.login('anna@mail.test', 'S0mmer77x')", "S0mmer77x"),
    "digits in a row": ("my password is Anna12345678", "Anna12345678"),
    "a word of stand-ins": ("password: Hidden77!", "Hidden77!"),
    "short name": ("login: anna / pw: S0mmer77x", "S0mmer77x"),
    "sshpass": ("sshpass -p 'S0mmer77x' ssh web1", "S0mmer77x"),
    "mysql": ("mysql -u root -pS0mmer77x db", "S0mmer77x"),
    "docker login": ("docker login -u anna -p S0mmer77x registry.firma.de", "S0mmer77x"),
    "sql": ("CREATE USER app IDENTIFIED BY 'S0mmer77x';", "S0mmer77x"),
    "cookie": (f"Cookie: sessionid={RANDOM}; lang=de", RANDOM),
    "xml attribute": ('<add key="Password" value="S0mmer77x" />', "S0mmer77x"),
    "azure": ("AccountKey=" + some(86) + "==;EndpointSuffix=x", some(86) + "=="),
    "pin": ("the PIN is 4071", "4071"),
    "seed phrase": (
        "my seed phrase is: " + "able bark cave dove echo fish gold hand iron jump kite lamp",
        "able bark cave dove echo fish gold hand iron jump kite lamp",
    ),
}


@pytest.mark.parametrize(("text", "secret"), NAMED.values(), ids=NAMED)
def test_a_secret_by_its_name(text: str, secret: str) -> None:
    assert found(text) == [secret]


INNOCENT = {
    "os.environ": 'api_key = os.environ["VENDOR_API_KEY"]',
    "getenv": 'token = os.getenv("GITHUB_TOKEN_2")',
    "process.env": "const apiKey = process.env.OPENAI_API_KEY_2;",
    "shell variable": "export TOKEN=${CI_JOB_TOKEN_V2}",
    "shell variable, bare": "curl -H 'Authorization: Bearer $API_TOKEN1' https://a.com",
    "template": "password: {{ vault_db_password_1 }}",
    "placeholder": 'api_key = "YOUR_API_KEY_HERE_123"',
    "angle": "api_key=<your-api-key-1>",
    "changeme": "password: changeme123",
    "function": "password = generate_password2(length=16)",
    "type": "def login(user: str, password: str) -> Token1:",
    "field": "passwordField2 = document.getElementById('password2')",
    "words": "The password must contain 8 characters, a digit and a symbol.",
    "forgotten": "I forgot my password, is there a way to reset it in v2.4?",
    "question": "What is a good password policy for 2024?",
    "is required": "password is required",
    "token count": "max_tokens = 4096, total token: 128000",
    "primary key": "PRIMARY KEY (customer_id_1a2b3c4d5e)",
    "cache key": "cache key: a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "public key": "public key: a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "sha": "commit 9f2c4b7d1e8a6053c2d4f6a8b0e1c3d5f7a9b1c3",
    "digest": "sha256:9f2c4b7d1e8a6053c2d4f6a8b0e1c3d5f7a9b1c39f2c4b7d1e8a6053c2d4f6a8",
    "uuid": "request id 3f2b8c1e-9d4a-4b6f-8e21-7c5d9a0b1e34 failed",
    "uuid as a token": "trace token: 3f2b8c1e-9d4a-4b6f-8e21-7c5d9a0b1e34",
    "keyboard": "press key F12 or key: Escape",
    "dictionary": 'd = {"key": "value1", "token": "word2"}',
    "constant": 'SECRET_NAME = "PROD_DATABASE_SECRET_V2"',
    "url template": "postgres://user:password@localhost:5432/db",
    "url variable": "postgres://${DB_USER}:${DB_PASSWORD}@db:5432/app",
    "url angle": "https://<user>:<token1>@github.com/a/b.git",
    "url with a port": "http://localhost:8080/@scope/package",
    "curl user, variables": 'curl -u "$USER1:$PASS1" https://a.com',
    "curl user, words": "curl -u user:password https://a.com",
    "pin of a chip": "connect pin 13 to GND and set pin: 2",
    "base64 image": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
    "integrity": 'integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K"',
    "css": ".token.keyword1 { color: #a1b2c3 }",
    "empty pem": "-----BEGIN OPENSSH " + PRIVATE + "----------END OPENSSH " + PRIVATE + "-----",
    "pem in words": "-----BEGIN RSA " + PRIVATE + "-----\n...\n-----END RSA " + PRIVATE + "-----",
    "keywords": "keywords: python3, asyncio2",
    "import": "from auth.tokens import AccessToken2",
    "sql": "CREATE USER app WITH PASSWORD 'secret';",
    "enum": "TokenType.ACCESS_TOKEN_V1",
    "hash format": "password_hash = bcrypt$2b$12",
    "a type": "def f(auth: AuthType, key: KeyType2) -> None:",
    "attribute": "RegOpenKeyEx = winreg.OpenKeyEx",
    "validator": '"password": "required|string|min:8|confirmed"',
    "angle brackets": 'proxy="socks5h://<username>:<password>@proxy-host"',
    "pairs": "Execution Specification: key1=value1//key2=value2",
    "password of a prompt": "mysql -u root -p db_name2",
    "port": "docker run -p 8080:80 nginx",
    "file of a key": "key_file: /etc/ssl/private/server2.key",
    "four words": 'the password policy says "they must have been long"',
    "user of a password": "password for user: admin, role: owner",
    "auth, words": 'auth=("user", "password")',
    "auth, variables": "auth=('user1', os.environ['PASS1'])",
    "masked": "password: x1-XXXXX-77 and password: ****1",
    "rust": "let token: Option<String> = None;",
}


@pytest.mark.parametrize("text", INNOCENT.values(), ids=INNOCENT)
def test_what_is_no_secret(text: str) -> None:
    assert found(text) == []
    assert found(text, Kind.URL_CRED) == []
