"""The words around names, in nine languages: titles, roles, labels, greetings, verbs of people.

Data only. The lists are short on purpose: each entry is a word after (or before) which a
capitalised word is nearly always a person. It does not know grammar.
"""

from __future__ import annotations

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# With or without a full stop; the title itself is not part of the name.
TITLES = _set(
    "mr mrs ms miss mx dr prof professor sir dame rev fr sgt capt lt col gen sen rep hon judge"
    " herr herrn frau fräulein dipl ing mag dott dott.ssa dottor dottoressa avv ing sig sig.ra"
    " sigra signor signora signorina monsieur madame mademoiselle mme mlle maître señor señora"
    " señorita sr sra srta don doña dom dona senhor senhora pan pani pana panu panem panią"
    " inż mgr ssr sso adw dhr mevr mevrouw meneer drs fru fröken"
)

# "my wife X", "our new colleague X", "the producer X".
ROLES = _set(
    "patient client customer boss colleague coworker co-worker manager supervisor wife husband"
    " partner fiancé fiancée girlfriend boyfriend ex friend neighbour neighbor roommate landlord"
    " tenant landlady son daughter brother sister mother father mom mum dad uncle aunt cousin"
    " nephew niece grandmother grandfather grandma grandpa kid child baby teacher professor"
    " doctor nurse therapist dentist lawyer attorney student employee candidate applicant driver"
    " assistant secretary director producer songwriter singer actor actress author writer poet"
    " composer artist painter musician guitarist drummer journalist reporter officer president"
    " senator governor mayor minister chancellor chairman chairwoman ceo cto cfo founder"
    " cofounder co-founder employer instructor coach witness defendant plaintiff suspect victim"
    " beneficiary patientin kunde kundin mandant mandantin chef chefin kollege kollegen kollegin"
    " freund freundin ehefrau mann ehemann sohn tochter bruder schwester mutter vater nachbar"
    " nachbarin nachbarn mieter mieterin vermieter vermieterin lehrer lehrerin arzt ärztin anwalt"
    " anwältin schüler mitarbeiter mitarbeiterin bewerber bewerberin patiente cliente collègue"
    " ami amie femme mari fils fille frère sœur soeur mère père voisin voisine locataire"
    " propriétaire avocat avocate médecin élève salarié salariée paciente jefe jefa compañero"
    " compañera amigo amiga esposa esposo marido mujer hijo hija hermano hermana madre padre"
    " vecino vecina inquilino inquilina abogado abogada médico alumno alumna paziente capo"
    " collega amico amica moglie marito figlio figlia fratello sorella madre padre vicino vicina"
    " inquilino avvocato medico studente studentessa patiënt klant baas vriend vriendin vrouw man"
    " zoon dochter broer zus moeder vader buurman buurvrouw huurder verhuurder advocaat arts"
    " leraar pacjent pacjenta pacjentka pacjentki klient klienta klientka szef szefa kolega"
    " koleżanka żona żony mąż męża syn syna córka córki brat brata siostra siostry matka ojciec"
    " sąsiad sąsiada chefe colega marido filho filha irmão irmã mãe pai vizinho vizinha advogado"
    " aluno kund chef kollega vän hustru fru make son dotter bror syster mamma pappa granne"
    " hyresgäst"
)

# In the plural a list of names follows: "founders: X, Y and Z".
PLURALS = _set(
    "founders cofounders co-founders authors members participants attendees guests directors"
    " patients winners candidates applicants witnesses colleagues friends students employees"
    " teilnehmer autoren gründer mitglieder kollegen freunde participants auteurs fondateurs"
    " membres participantes autores fundadores miembros partecipanti autori fondatori deelnemers"
    " auteurs uczestnicy autorzy deltagare"
)

# After these labels and a colon, anything in capitals is a name.
NAME_LABELS = _set(
    "name fullname surname firstname lastname patient cardholder signed vorname nachname"
    " patientin nom prénom nombre apellido apellidos paciente cognome paziente naam voornaam"
    " achternaam patiënt imię nazwisko pacjent apelido namn förnamn efternamn driver user"
)

# "X: name", at the start of a form line.
LABELS = _set(
    "name names fullname firstname lastname surname forename patient client customer contact"
    " employee applicant candidate tenant landlord owner sender recipient beneficiary from to cc"
    " attn attention by author manager supervisor signed signature cardholder holder insured"
    " guardian spouse passenger guest user attendee attendees participant participants host"
    " speaker driver witness vorname nachname familienname kunde kundin mieter vermieter absender"
    " empfänger patientin von an unterzeichner ansprechpartner kontoinhaber versicherter nom"
    " prénom expéditeur destinataire locataire bailleur de à titulaire assuré nombre nombres"
    " apellido apellidos paciente cliente remitente destinatario titular asegurado nome cognome"
    " paziente mittente intestatario assicurato naam voornaam achternaam klant patiënt afzender"
    " ontvanger huurder imię nazwisko imiona klient pacjent nadawca odbiorca wystawił odebrał"
    " posiadacz rachunku przewodniczący protokolant kontrahent zarządu pełnomocnik świadek powód"
    " pozwany wnioskodawca apelido remetente destinatário namn förnamn efternamn avsändare"
    " mottagare"
)

GREETINGS = _set(
    "dear hi hello hey greetings morning afternoon evening thanks lieber liebe liebes hallo moin"
    " servus geehrter geehrte cher chère bonjour bonsoir salut coucou querido querida estimado"
    " estimada hola caro cara gentile egregio ciao buongiorno beste geachte lieve hoi dag drogi"
    " droga szanowny szanowna cześć witaj prezado prezada olá oi käre kära bästa hej hejsan"
)

# The last word of the line above a signature.
SIGN_OFFS = _set(
    "regards sincerely wishes cheers yours truly faithfully thanks best respectfully love grüße"
    " grüßen grüssen gruß gruss cordialement sentiments salutations bisous atentamente saludos"
    " cordialmente saluti cordialità groet groeten pozdrawiam poważaniem cumprimentos"
    " atenciosamente abraço abraços hälsningar mvh vänligen"
)

# Verbs of speech directly before a name, which no list needs to have.
SPEECH = _set("said says asked replied answered explained sagte fragte dijo disse zei sade")

# Words directly before a listed name in running text.
BEFORE = _set(
    "asked told contact contacting meet met ask asks tell tells email e-mail mail call phone"
    " invite remind starring featuring married interview interviewing congratulate thank hire"
    " hired hiring fire fired firing dating lawyer called named nicknamed namens heißt hieß"
    " genannt sagte fragte appelé appelée nommé nommée s'appelle llamado llamada llama dijo"
    " chiamato chiamata chiama disse genaamd heet zei nazywa imieniem chamado chamada disse heter"
    " sade sa"
)

# Two words directly before a name.
_PAIRS = (
    "name+is name's+is names+is call+me calls+me called+me people+call told+by written+by"
    " directed+by produced+by performed+by composed+by starring+in sung+by painted+by signed+by"
    " sent+by created+by led+by prepared+by approved+by treated+by owned+by"
    " interviewed+by married+to assistant+to letter+to email+to mail+to message+to note+to"
    " invitation+to reply+to respond+to write+to spoke+to talked+to speak+to talk+to"
    " introduced+to shouted+at yelled+at smiled+at looked+at talked+with spoke+with speak+with"
    " talk+with meeting+with met+with interview+with follow+with up+with call+with"
    " conversation+with chat+with email+from letter+from message+from mail+from call+from"
    " ich+heiße ich+bin heiße+ich name+ist mail+an brief+an nachricht+an e-mail+an schreiben+an"
    " nachricht+von mail+von brief+von gespräch+mit treffen+mit m'appelle+le me+nomme nom+est"
    " courrier+à mail+à lettre+à message+à courriel+à me+llamo nombre+es correo+a carta+a"
    " mensaje+a email+a mi+chiamo nome+è mail+a email+a lettera+a messaggio+a ik+heet ik+ben"
    " naam+is brief+aan mail+aan e-mail+aan bericht+aan nazywam+się mam+na imię+to list+do mail+do"
    " maila+do wiadomość+do meu+nome nome+é me+chamo carta+a carta+para email+para mensagem+para"
    " jag+heter namn+är mejl+till brev+till"
)
BEFORE_TWO = frozenset(tuple(pair.split("+")) for pair in _PAIRS.split())

# After a name, at once: what only people do.
DOES = re.compile(
    r"(?:,? )(?:said|says|asked|asks|wrote|writes|told|tells|replied|answered|explained|explains"
    r"|shouted|whispered|smiled|laughed|cried|nodded|sighed|married|thinks|believes|wants|went"
    r"|began (?:writing|working)|lives|lived|works|worked|moved|studied|teaches|taught|grew up"
    r"|was born|died|joined|retired|has been diagnosed|is \d\d|spent|loves|hates"
    r"|is (?:my|our|his|her|the (?:CEO|new|owner|author|director|manager)|from"
    r"|a \d\d|an? (?:old|young|good|great|nice))"
    r"|sagte|fragte|schrieb|wohnt|arbeitet|a dit|a écrit|habite|dijo|escribió|vive|ha detto|scrive"
    r"|abita|zei|schreef|woont|powiedział|powiedziała|mieszka|disse|escreveu|mora|sade|skrev|bor"
    r")\b"
)

# "Anna, can you ...": a vocative.
VOCATIVE = re.compile(
    r", (?:can|could|would|will|may|please|thanks|thank|are|do|did|have|I|you|we|how|what|where"
    r"|when"
    r"|kannst|könntest|bitte|peux|pouvez|puedes|puoi|kun|możesz|pode|kan)\b"
)

# After an unknown word: what nothing but a person does.
ONLY_PEOPLE_DO = re.compile(
    r" (?:shouted|whispered|smiled|laughed|nodded|sighed|giggled|grew up|passed away"
    r"|was born (?:in|on)"
    r"|lives (?:in|on|at|with|next)|is \d\d years old|got married)\b"
)

# What follows a person at once: "Ann Lee <ann@...>", "Ann Lee (born ...", "Ann Lee at +44 ...".
MAIL_AFTER = re.compile(
    r"[ \t]?[<(,;|\[][ \t]?[\w.+-]{1,64}@"
    r"|,? \(?(?:born|geb\.|geboren|née? |nato il|nata il|ur\. |född )"
    r"| (?:at|on|under|unter|au|al) [+(]?\d{2,5}[\d) -]{4}"
)

# What makes a company, an institution or a street of the name in front of it.
NOT_A_PERSON_AFTER = _set(
    "inc inc. corp corp. corporation llc ltd ltd. limited plc gmbh ag kg sa s.a. sas sarl srl"
    " spa bv nv ab oy co company group holdings partners bank university college school institute"
    " academy hospital clinic foundation fund trust museum library park street st st. road rd"
    " avenue ave lane drive boulevard square bridge tower station airport island islands city"
    " county beach river lake mountain hill bay valley hotel theatre theater stadium church"
    " cathedral castle award awards prize cup league theorem algorithm method equation law effect"
    " syndrome disease test distribution transform series process model machine number numbers"
    " constant principle rule inequality matrix integral space function scale filter code pool"
    " insurance technologies orchestra band quartet trio ensemble choir investments capital"
    " research labs laboratories services sons systems software motors airlines records studios"
    " media press publishing industries brothers sons associates team framework library database"
)

# As the last word of a name these make a place of it, though they are surnames as well.
PLACES = _set(
    "park street lake bridge beach bay valley river island church place road court avenue square"
    " drive lane close terrace gardens way"
)

# In front of a name these make a place of it.
PLACES_BEFORE = _set(
    "san santa santo sant são saint st ste mount mt fort ft port lake cape camp los las rio isla"
    " puerto villa monte"
)

NUMERALS = _set("ii iii iv jr jr. sr sr. md md. phd ph.d ph.d. dds dvm esq esq. mba")

# Phrases that look like a given name and a surname.
PHRASES = frozenset(
    {
        "sierra leone", "morgan stanley", "goldman sachs", "wells fargo", "ernst young",
        "merrill lynch", "charles schwab", "harley davidson", "dow jones",
        "berkshire hathaway", "santa claus", "jack daniels", "jim beam", "ben jerry",
        "marks spencer", "virginia tech", "georgia tech", "santa monica", "santa clara",
        "santa cruz", "santa barbara", "san antonio", "merry christmas", "lorem ipsum",
        "stable diffusion", "raspberry pi", "visual basic", "black friday", "mardi gras",
        "hong kong", "costa rica", "puerto rico", "sri lanka", "good will", "free will",
        "big ben", "mount rushmore", "victoria falls",
    }
)  # fmt: skip

# Endings of surnames that hardly any other word has.
SURNAME_ENDINGS = (
    "vić", "rić", "kić", "gić", "hić", "dić", "tić", "čić", "šić", "žić", "jić", "vich", "ová",
    "cká", "ská", "dóttir", "dottir", "sson", "enko", "chuk", "wicz", "oğlu", "poulos", "poulou",
    "akis", "idis", "shvili", "ström", "qvist", "quist", "escu", "ovsky", "evsky", "ovski", "owski",
    "ewski", "iński", "yński", "owska", "ewska", "ińska", "yńska", "czyk", "czak", "dsen", "tsen",
    "okov", "enkov", "yants", "stetter", "gaard", "ssohn", "ández", "índez", "énez", "ínez", "ález",
    "írez", "ópez", "áñez", "adze", "nyan", "zadeh", "ullah", "murthy", "swamy", "krishnan",
    "lingam", "padhyay",
)  # fmt: skip
# Endings that other words have too: they count beside a cue only.
SURNAME_HINTS = (
    "ssen", "lsen", "nsen", "rsen", "inen", "onen", "ić", "berg", "gren", "mann", "lund", "dahl",
    "berger", "bauer", "huber", "hofer", "müller", "maier", "meier", "mayer", "meyer", "stra",
    "sma", "ova", "eva", "nov", "mov", "rov", "lov", "kov", "tov", "iev", "yev", "aev", "son",
    "ez", "ian", "yan", "cki", "ski", "wala", "wal", "jee", "elli", "etti", "ini", "oglu",
)  # fmt: skip
