"""The people and programs of the demo's CRM, as they were when the week began.

What they did is told in the modules beside this one.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody as they were invited: people rename themselves and get other roles later."""

    name: str
    email: str
    role: str
    ip: str


@dataclass(frozen=True)
class Application:
    """A program of the CRM: the role it logs in as, and what it calls itself."""

    role: str
    name: str


# The addresses are from the ranges that are kept free for documentation (RFC 5737, RFC 3849).
PRIYA = Person("Priya Nair", "priya@kestrel.example", "account_admin", "203.0.113.24")
JONAS = Person("Jonas Berg", "jonas@kestrel.example", "admin", "203.0.113.61")
TOMAS = Person("Tomás Vidal", "tomas@kestrel.example", "admin", "2001:db8:4f:20::8a")
ANA = Person("Ana Diaz", "ana@kestrel.example", "sales_manager", "198.51.100.7")
AIKO = Person("Aiko Mori", "aiko@kestrel.example", "sales_rep", "2001:db8:81:3::1c")
SAMUEL = Person("Samuel Okoro", "samuel@kestrel.example", "sales_rep", "198.51.100.132")

WEB = Application("crm_web", "crm-web")
SIGN_UP = Application("crm_web", "crm-signup")
MOBILE = Application("crm_web", "crm-mobile")
FX = Application("crm_jobs", "nightly-fx")
SCORING = Application("crm_jobs", "lead-scoring")
RUNNER = Application("crm_jobs", "workflow-runner")
