//! A proxy that the environment names is for other programs: the operator asks the API server and the
//! metric sources without it.

use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_of_the_environment_is_asked() {
    let scene = Scene::new("proxy").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    // Nothing listens there.
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let env = names.map(|name| (name, "http://127.0.0.1:1"));
    let operator = scene.begin_operator(&[], &env);
    operator.wait_until_ready().await;
    scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
}
