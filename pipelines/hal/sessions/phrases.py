"""What people and models say when a turn went wrong: the tables of phrases, and nothing else.

The phrases are ours, in seven languages. How they are met is the business of `wording`, which also
removes accents and apostrophes, so that they are written here as people write them.
"""

from __future__ import annotations

# What may stand in front of a complaint, up to three of them.
FILLERS = (
    *("no", "nope", "nah", "sorry", "sorry but", "hmm", "hm", "um", "well", "but", "actually"),
    *("wait", "ok", "okay", "i think", "im afraid", "nein", "ne", "nee", "also", "aber", "doch"),
    *("moment", "ich glaube", "non", "mais", "desole", "pero", "lo siento", "ma", "scusa"),
    *("nao", "mas", "desculpe", "maar"),
)
REQUESTS = (
    *(
        "can you",
        "could you",
        "please",
        "then",
        "just",
        "why dont you",
        "kannst du",
        "kannst du mal",
    ),
    *("bitte", "dann", "peux tu", "puedes", "por favor", "puoi", "per favore", "kun je"),
)
# Complaints that need no more than a word of reason after them.
COMPLAINTS = (
    *("that's wrong", "this is wrong", "that is wrong", "it's wrong", "your answer is wrong"),
    *("that's not right", "that is not right", "that's not correct", "that is not correct"),
    *("that's incorrect", "that is incorrect", "this is incorrect", "that's not true"),
    *("you're wrong", "you are wrong", "you're mistaken", "you are mistaken", "you got it wrong"),
    *("you got that wrong", "that is not what i asked", "that's not what i asked"),
    *("that's not what i meant", "that is not what i meant", "that wasn't my question"),
    *("that's not what i wanted", "not what i asked", "not what i meant", "not what i wanted"),
    *("i didn't ask that", "i did not ask that", "i didn't ask for that", "that's not my question"),
    *("you didn't answer my question", "you did not answer my question", "you misunderstood"),
    *("that doesn't answer my question", "that does not answer my question", "you made that up"),
    *("das ist falsch", "das stimmt nicht", "das stimmt so nicht", "das stimmt doch nicht"),
    *("stimmt nicht", "das ist nicht richtig", "das ist nicht korrekt", "das war falsch"),
    *("du hast unrecht", "du liegst falsch", "du irrst dich", "da irrst du dich", "sie irren sich"),
    *("das habe ich nicht gefragt", "das war nicht meine frage", "das war nicht die frage"),
    *("danach habe ich nicht gefragt", "das meinte ich nicht", "das habe ich nicht gemeint"),
    *("du hast meine frage nicht beantwortet", "du hast mich falsch verstanden"),
    *("c'est faux", "ce n'est pas vrai", "ce n'est pas correct", "tu te trompes"),
    *("vous vous trompez", "ce n'est pas ce que j'ai demandé", "ce n'était pas ma question"),
    *("eso es incorrecto", "eso no es correcto", "eso no es cierto", "te equivocas"),
    *("eso no es lo que pregunté", "no es lo que pregunté", "no respondiste mi pregunta"),
    *("è sbagliato", "non è corretto", "non è vero", "ti sbagli", "non è quello che ho chiesto"),
    *("isso está errado", "não está certo", "você está errado", "não foi isso que perguntei"),
    *("dat klopt niet", "dat is fout", "je hebt het mis", "je vergist je", "dat vroeg ik niet"),
)
# Words that begin many a sentence which is no complaint: they count when they stand alone.
BARE = (
    *("wrong", "incorrect", "not true", "not correct", "falsch", "nicht richtig", "faux"),
    *("incorrecto", "falso", "sbagliato", "errado", "fout"),
)
SEARCH_WISHES = (
    *("search it", "search for it", "search that", "search for that", "search online"),
    *("search the web", "search the internet", "google it", "google that", "look it up"),
    *("look that up", "look this up", "check online", "check the web", "check the internet"),
    *(
        "do a web search",
        "such das",
        "such danach",
        "suche danach",
        "suche das",
        "such im internet",
    ),
    *("suche im internet", "such es im internet", "google das", "google mal", "google es"),
    *("schau im internet nach", "schau im netz nach", "sieh im internet nach", "recherchier das"),
    *(
        "recherchiere das",
        "schlag das nach",
        "das nachschlagen",
        "das googeln",
        "das recherchieren",
    ),
    *("das im internet suchen", "cherche sur internet", "cherche en ligne"),
    *("recherche sur internet", "vérifie sur internet", "búscalo", "busca en internet"),
    *("búscalo en internet", "cercalo", "cerca su internet", "cercalo su internet"),
    *("pesquisa na internet", "pesquise na internet", "procura na internet", "zoek het op"),
    *("zoek op internet", "google het"),
)
# What may follow without a stop in between.
REASONS = (
    *("because", "since", "again", "though", "but", "i", "it", "you", "the answer", "please"),
    *("about", "weil", "denn", "ich", "du", "es", "bitte", "car", "parce", "porque", "perche"),
    *("omdat", "want"),
)
WISH_ENDS = (
    *("please", "online", "on the web", "on the internet", "on google", "first", "instead", "now"),
    *("for me", "im internet", "im netz", "bitte", "mal", "nach"),
)
# Whoever says these speaks of words, not to the model.
ABOUT_WORDS = (
    *("translat", "ubersetz", "traduis", "traduire", "traduce", "traduci", "traduz", "vertaal"),
    *("phrase", "lyrics", "proofread", "how do you say", "how do i say", "wie sagt man"),
)

# A model that says where its knowledge ends, in the first person.
CUTOFFS = (
    *("as of my last update", "as of my last knowledge update", "as of my last training"),
    *("as of my knowledge cutoff", "as of my knowledge cut-off", "as of my most recent update"),
    *("as of my latest update", "as of my training", "my knowledge cutoff", "my knowledge cut-off"),
    *("my training cutoff", "my training cut-off", "my last knowledge update"),
    *("my last training update", "my knowledge only goes", "my knowledge only extends"),
    *("my knowledge ends", "my knowledge stops", "my knowledge is limited to"),
    *("my training data only", "my training data ends", "my training data goes up to"),
    *("my training data extends", "my training only goes", "i was last updated"),
    *("i was last trained", "i was trained on data up to", "i don't have access to real-time"),
    *("i do not have access to real-time", "i don't have real-time", "i do not have real-time"),
    *("i can't access real-time", "i cannot access real-time", "i can't provide real-time"),
    *("i cannot provide real-time", "i'm unable to access real-time"),
    *("i'm not able to access real-time", "i'm unable to provide real-time"),
    *("i don't have the ability to access real-time", "i don't have access to live"),
    *("i do not have access to live", "i don't have access to current"),
    *("i do not have access to current", "i don't have up-to-date", "i do not have up-to-date"),
    *("i don't have the latest information", "i don't have the most recent information"),
    *("i don't have current information", "i don't have information about events after"),
    *(
        "i can't browse the",
        "i cannot browse the",
        "i'm not able to browse",
        "i'm unable to browse",
    ),
    *("i don't have the ability to browse", "i can't search the web", "i cannot search the web"),
    *("i can't search the internet", "i cannot search the internet"),
    *("mein wissensstand", "meinem wissensstand", "meines wissensstand", "meines letzten updates"),
    *("meinem letzten update", "mein wissen reicht nur", "mein wissen reicht bis"),
    *("mein wissen endet", "mein wissen geht nur", "meine trainingsdaten reichen"),
    *("meine trainingsdaten enden", "meine trainingsdaten gehen"),
    *("ich habe keinen zugriff auf echtzeit", "ich habe keinen zugang zu echtzeit"),
    *("ich habe keinen zugriff auf aktuelle", "ich habe keinen zugang zu aktuellen"),
    *("ich habe keine aktuellen informationen", "ich kann keine echtzeit"),
    *("ich kann nicht im internet suchen", "mes connaissances s'arrêtent"),
    *("mes connaissances sont limitées", "à ma dernière mise à jour"),
    *("je n'ai pas accès à des informations en temps réel",),
    *("je n'ai pas accès aux informations en temps réel",),
    *("je n'ai pas accès aux données en temps réel", "je ne peux pas naviguer sur"),
    *("mi última actualización", "mi conocimiento llega hasta", "mi fecha de corte"),
    *("no tengo acceso a información en tiempo real", "no tengo acceso a datos en tiempo real"),
    *("no puedo acceder a información en tiempo real", "mio ultimo aggiornamento"),
    *("le mie conoscenze si fermano", "le mie conoscenze arrivano"),
    *("non ho accesso a informazioni in tempo reale", "non ho accesso a dati in tempo reale"),
    *("minha última atualização", "meu conhecimento vai até"),
    *("não tenho acesso a informações em tempo real", "não tenho acesso a dados em tempo real"),
    *("mijn laatste update", "mijn kennis gaat tot", "mijn kennis reikt tot"),
    *("ik heb geen toegang tot realtime", "ik heb geen toegang tot real-time"),
    *("ik heb geen toegang tot actuele",),
)
# A question about the model itself is answered rightly with one of them.
ABOUT_THE_MODEL = (
    *("cutoff", "cut off", "training data", "trained", "your knowledge", "your training"),
    *("knowledge end", "wissensstand", "trainingsdaten", "trainiert", "dein wissen", "real time"),
    *("echtzeit", "can you browse", "are you connected", "last update", "temps reel"),
    *("tiempo real", "tempo reale", "tempo real", "realtime"),
)
REFUSALS = (
    *("i can't help with", "i cannot help with", "i can't help you with", "i can't assist"),
    *("i cannot assist", "i'm unable to help", "i'm unable to assist", "i'm not able to help"),
    *("i'm not able to assist", "i can't comply", "i cannot comply", "i can't fulfill"),
    *("i cannot fulfill", "i can't provide instructions", "i cannot provide instructions"),
    *("i can't provide guidance", "i cannot provide guidance", "i won't be able to help"),
    *("i can't engage in", "i cannot engage in", "i must decline", "i have to decline"),
    *("i can't discuss", "i cannot discuss", "i can't do that", "i won't help"),
    *("dabei kann ich nicht helfen", "dabei kann ich dir nicht", "dabei kann ich ihnen nicht"),
    *("damit kann ich nicht helfen", "damit kann ich dir nicht", "damit kann ich ihnen nicht"),
    *("ich kann dir dabei nicht", "ich kann ihnen dabei nicht", "ich kann dir damit nicht"),
    *("ich kann ihnen damit nicht", "ich kann diese anfrage nicht", "das darf ich nicht"),
    *("je ne peux pas vous aider", "je ne peux pas t'aider", "je ne peux pas répondre à cette"),
    *("no puedo ayudarte con", "no puedo ayudarle con", "no puedo ayudar con"),
    *("non posso aiutarti", "non posso aiutarla", "não posso ajudar", "não posso atender"),
    *("daar kan ik je niet mee helpen", "daar kan ik u niet mee helpen"),
    *("ik kan je daar niet mee helpen",),
)
