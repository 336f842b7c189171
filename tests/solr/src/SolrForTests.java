import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Properties;
import javax.servlet.DispatcherType;
import javax.servlet.ServletContextEvent;
import javax.servlet.http.HttpServlet;
import org.apache.solr.servlet.CoreContainerProvider;
import org.apache.solr.servlet.SolrDispatchFilter;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.FilterHolder;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;

/**
 * One SolrCloud node with its own ZooKeeper (port + 1000), for the tests.
 *
 * <p>Arguments: port, empty directory. Prints READY when it can be asked, and ends when its
 * standard input closes: whoever holds the pipe need not clean up. Collections are made over HTTP.
 */
public final class SolrForTests {
  private static final String SOLR_XML =
      "<solr><solrcloud><str name=\"host\">127.0.0.1</str>"
          + "<int name=\"hostPort\">${hostPort}</int>"
          + "<str name=\"hostContext\">solr</str></solrcloud>"
          + "<metrics enabled=\"false\"/></solr>";

  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[0]);
    Path home = Path.of(args[1]).toAbsolutePath();
    Files.createDirectories(home);
    Files.writeString(home.resolve("solr.xml"), SOLR_XML);
    // Read from here by the ZooKeeper inside Solr, which else looks for an installation.
    Files.writeString(home.resolve("zoo.cfg"), "tickTime=2000\ninitLimit=10\nsyncLimit=5\n");
    System.setProperty("zkRun", "");
    System.setProperty("zookeeper.admin.enableServer", "false");
    System.setProperty("zookeeper.forceSync", "no");
    System.setProperty("solr.log.dir", home.toString());

    Server server = node(home, port);
    server.start();
    System.out.println("READY");
    while (System.in.read() >= 0) {}
    Runtime.getRuntime().halt(0);
  }

  private static Server node(Path home, int port) {
    Properties properties = new Properties();
    properties.setProperty("hostPort", String.valueOf(port));
    Server server = new Server();
    HttpConfiguration http = new HttpConfiguration();
    // Shards talk to each other over HTTP/2 without TLS.
    ServerConnector connector =
        new ServerConnector(
            server, new HttpConnectionFactory(http), new HTTP2CServerConnectionFactory(http));
    connector.setHost("127.0.0.1");
    connector.setPort(port);
    server.addConnector(connector);
    ServletContextHandler context = new ServletContextHandler(server, "/solr");
    context.addEventListener(
        new CoreContainerProvider() {
          @Override
          public void contextInitialized(ServletContextEvent event) {
            var servlet = event.getServletContext();
            servlet.setAttribute(SolrDispatchFilter.PROPERTIES_ATTRIBUTE, properties);
            servlet.setAttribute(SolrDispatchFilter.SOLRHOME_ATTRIBUTE, home.toString());
            super.contextInitialized(event);
          }
        });
    context.addFilter(
        new FilterHolder(new SolrDispatchFilter()), "/*", EnumSet.of(DispatcherType.REQUEST));
    // The filter runs only where some servlet matches.
    context.addServlet(new ServletHolder(new HttpServlet() {}), "/");
    server.setHandler(context);
    return server;
  }
}
