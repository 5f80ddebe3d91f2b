"""The public routes for logging in, in the form of Keycloak."""

from libs.identity.tokens import Pair
from services.api.accounts import discovery, keycloak, signin
from services.api.http.route import FORM, HTML, Route

LOGIN_ROUTES = (
    Route(
        "POST",
        keycloak.PATH,
        keycloak.token,
        keycloak.TokenForm,
        Pair,
        "Log in, or renew a login, for an access token.",
        errors=(400, 401, 429, 503),
        media=FORM,
        public=True,
    ),
    Route(
        "POST",
        discovery.DEVICE,
        signin.authorize,
        signin.DeviceForm,
        signin.Authorization,
        "Begin the login of a device, for which somebody signs in elsewhere.",
        errors=(400, 401, 429, 503),
        media=FORM,
        public=True,
    ),
    Route(
        "GET",
        signin.PAGE,
        signin.show,
        None,
        str,
        "The page on which people sign in for a device.",
        errors=(),
        public=True,
        query=("user_code",),
        answer_media=HTML,
    ),
    Route(
        "POST",
        signin.PAGE,
        signin.sign_in,
        signin.SignInForm,
        str,
        "What that page sends; the answer is a page too.",
        errors=(),
        answer_media=HTML,
        media=FORM,
        public=True,
    ),
    Route(
        "GET",
        discovery.DOCUMENT,
        discovery.document,
        None,
        discovery.Issuer,
        "Where to log in, and where the keys are that tokens are signed with.",
        errors=(),
        public=True,
    ),
    Route(
        "GET",
        discovery.CERTS,
        discovery.certs,
        None,
        discovery.KeySet,
        "The public keys that tokens are signed with.",
        errors=(),
        public=True,
    ),
)
