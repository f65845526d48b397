"""The first three days: Kestrel Bikes signs up, and sets up its workflows."""

from auditviewer.demo.week.people import (
    AIKO,
    ANA,
    JONAS,
    MOBILE,
    PRIYA,
    RUNNER,
    SAMUEL,
    SCORING,
    SIGN_UP,
    TOMAS,
)
from auditviewer.demo.week.saves import (
    ACTION,
    CONDITION,
    At,
    action,
    add,
    condition,
    count_runs,
    create_workflow,
    edit,
    edit_user,
    edit_workflow,
    invite,
    remove,
    reorder,
    save,
    settings,
    sign_up,
    system,
)

WELCOME = "Welcome new leads"
WELCOME_WEBSITE = "Welcome website leads"
HOT = "Hand hot leads to sales"
WIN_BACK = "Win back lost deals"
LARGE = "Flag large deals"
RENEWAL = "Remind before renewal"

SIGNING_UP = (
    system(At(7, "09:02"), SIGN_UP, sign_up(PRIYA, "Kestrel Bikes")),
    save(
        At(7, "09:10"),
        PRIYA,
        settings(time_zone="Europe/Berlin", currency="EUR", date_format="DD.MM.YYYY"),
    ),
    save(At(7, "09:14"), PRIYA, invite(JONAS)),
    save(At(7, "09:15"), PRIYA, invite(TOMAS)),
    save(At(7, "09:19"), PRIYA, invite(ANA), invite(AIKO), invite(SAMUEL)),
    save(
        At(7, "10:05"),
        TOMAS,
        create_workflow(
            WELCOME,
            condition("lead_source", "is", "Website"),
            action("send_email", template="Welcome"),
            owner=TOMAS,
            record_type="lead",
            description="First e-mail to those who write to us.",
        ),
    ),
    save(
        At(7, "10:31"),
        TOMAS,
        add(WELCOME, 2, condition("email", "is_not_empty")),
        edit(ACTION, WELCOME, 1, settings={"template": "Welcome", "from": "hello@kestrel.example"}),
    ),
    save(At(7, "10:40"), TOMAS, edit_workflow(WELCOME, is_enabled=True)),
    save(
        At(7, "11:48"),
        JONAS,
        create_workflow(
            HOT,
            condition("lead_score", "is_greater_than", "60"),
            condition("country", "is", "Germany"),
            action("assign_owner", SAMUEL),
            action("create_task", title="Call within a day"),
            owner=JONAS,
            record_type="lead",
        ),
    ),
    save(At(7, "14:12"), PRIYA, settings(is_lead_scoring_on=True)),
    save(At(7, "14:20"), JONAS, edit_workflow(HOT, is_enabled=True)),
    save(
        At(7, "16:47"),
        ANA,
        create_workflow(
            WIN_BACK,
            condition("deal_stage", "is", "Lost"),
            condition("deal_value", "is_greater_than", "5000"),
            action("create_task", title="Ask again after the season"),
            action("add_tag", tag="win-back"),
            action("send_email", template="What could we do better?"),
            owner=ANA,
            record_type="deal",
        ),
    ),
)

FINDING_THEIR_WAY = (
    system(At(6, "02:15"), SCORING, edit(CONDITION, HOT, 1, value="64")),
    save(
        At(6, "08:58"),
        TOMAS,
        edit_workflow(HOT, match="any", description="Leads that sales should call today."),
        remove(CONDITION, HOT, 2),
        add(HOT, 2, condition("industry", "is", "Logistics")),
        add(HOT, 3, condition("company_size", "is_greater_than", "200")),
        edit(ACTION, HOT, 2, settings={"title": "Call within four hours"}),
    ),
    save(At(6, "09:30"), PRIYA, settings(is_profile_enrichment_on=True)),
    save(At(6, "10:22"), ANA, reorder(ACTION, WIN_BACK, 3, 1, 2)),
    save(
        At(6, "11:05"),
        JONAS,
        create_workflow(
            LARGE,
            condition("deal_value", "is_greater_than", "10000"),
            action("create_task", ANA, title="Check credit"),
            action("add_tag", tag="large"),
            owner=JONAS,
            record_type="deal",
        ),
    ),
    save(At(6, "11:06"), JONAS, edit_workflow(LARGE, is_enabled=True)),
    save(
        At(6, "13:40"),
        PRIYA,
        settings(webhook_secret="whsec_demo_first"),
        reason="Orders go to the warehouse system from now on",
    ),
    save(At(6, "15:15"), PRIYA, edit_user(SAMUEL, role="sales_manager")),
    save(
        At(6, "17:20"),
        TOMAS,
        edit_workflow(WELCOME, is_enabled=False),
        via=MOBILE,
        reason="Somebody got the e-mail twice",
        ip="198.51.100.201",
    ),
)

CORRECTING = (
    system(At(5, "02:15"), SCORING, edit(CONDITION, HOT, 1, value="67")),
    system(At(5, "07:00"), RUNNER, count_runs(HOT, 41), count_runs(LARGE, 3)),
    save(
        At(5, "08:40"),
        TOMAS,
        add(WELCOME, 3, condition("tags", "does_not_contain", "welcomed")),
        add(WELCOME, 2, action("add_tag", tag="welcomed")),
        edit_workflow(WELCOME, is_enabled=True),
    ),
    save(
        At(5, "09:55"),
        ANA,
        create_workflow(
            RENEWAL,
            condition("lifecycle_stage", "is", "Customer"),
            condition("cf_renewal_date", "is_before", "in 60 days"),
            action("create_task", ANA, title="Prepare the offer"),
            action("send_email", template="Your service contract"),
            owner=ANA,
            record_type="contact",
            description="Service contracts of fleets run for a year.",
        ),
    ),
    save(At(5, "10:10"), ANA, edit_workflow(RENEWAL, is_enabled=True)),
    save(
        At(5, "11:30"),
        PRIYA,
        settings(primary_contact_id=JONAS),
        reason="Jonas deals with the vendor from now on",
    ),
    save(
        At(5, "14:03"),
        JONAS,
        edit_workflow(
            WELCOME,
            name=WELCOME_WEBSITE,
            description="First e-mail to those who write to us on the website.",
        ),
    ),
    save(At(5, "16:30"), PRIYA, settings(language="de"), ip="unknown"),
    save(
        At(5, "16:34"),
        PRIYA,
        settings(language="en"),
        reason="Aiko doesn't read German",
        ip="unknown",
    ),
    save(
        At(5, "22:47"),
        TOMAS,
        settings(webhook_secret="whsec_demo_second"),
        reason="The key was pasted into a support ticket",
        ip="2001:db8:a0:1::f2",
    ),
    save(At(4, "09:12"), JONAS, edit_user(JONAS, full_name="Jonas Lind"), reason="Married"),
)
